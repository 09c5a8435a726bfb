import { createRequire } from 'node:module';
import sharp from 'sharp';

/** A font from npm: a machine may have none, and no fontconfig either. */
const FONT_FILE = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
const LINES = 4;

export interface Caption {
  data: Buffer;
  width: number;
  height: number;
  margin: number;
}

/** White text on nothing, as raw RGBA: the mark above, the prompt below it, wrapped to the picture's width. */
export async function drawCaption(text: string, width: number, height: number): Promise<Caption> {
  const size = Math.max(10, Math.round(Math.min(Math.sqrt(width * height) / 48, Math.min(width, height) / 15)));
  const margin = Math.round(size * 1.6);
  const room = Math.min(width - 2 * margin, size * 34);
  const fitting = shorten(text, Math.floor((room / size) * 1.75) * LINES);
  const markup =
    `<span size="62%" letter_spacing="${Math.round(size * 90)}" alpha="68%" foreground="#fff">Darkroom sandbox</span>` +
    (fitting === '' ? '' : `\n<span foreground="#fff">${escapeMarkup(fitting)}</span>`);
  const { data, info } = await sharp({
    text: {
      text: markup,
      font: `DejaVu Sans ${size}`,
      fontfile: FONT_FILE,
      width: room,
      rgba: true,
      wrap: 'word-char',
      spacing: Math.round(size * 0.35),
    },
  })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, margin };
}

function shorten(text: string, most: number): string {
  const clean = text.replace(/[\p{Cc}\p{Cs}\p{Cn}\s]+/gu, ' ').trim();
  const letters = Array.from(clean);
  if (letters.length <= most) return clean;
  return `${letters
    .slice(0, most)
    .join('')
    .replace(/\s+\S*$/, '')}…`;
}

function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
