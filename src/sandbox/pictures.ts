import { drawPicture, type PictureRequest } from './picture/picture.ts';

/** Draws pictures, a few at a time, and remembers the last ones. */
export interface Pictures {
  get(request: PictureRequest): Promise<Buffer>;
  /** Drops what has not begun; the few being drawn are finished. */
  stop(): void;
}

const REMEMBERED = 8;
const AT_A_TIME = 2;

export function createPictures(): Pictures {
  const drawn = new Map<string, Promise<Buffer>>();
  const waiting: { begin: () => void; drop: (reason: Error) => void }[] = [];
  let drawing = 0;

  async function draw(request: PictureRequest): Promise<Buffer> {
    if (drawing >= AT_A_TIME) await new Promise<void>((begin, drop) => waiting.push({ begin, drop }));
    else drawing++;
    try {
      return await drawPicture(request);
    } finally {
      const next = waiting.shift();
      if (next) next.begin();
      else drawing--;
    }
  }

  return {
    get(request) {
      const key = JSON.stringify(request);
      const picture = drawn.get(key) ?? draw(request);
      drawn.delete(key);
      drawn.set(key, picture);
      picture.catch(() => drawn.delete(key));
      const [oldest] = drawn.keys();
      if (drawn.size > REMEMBERED && oldest) drawn.delete(oldest);
      return picture;
    },
    stop() {
      for (const { drop } of waiting.splice(0)) drop(new Error('the sandbox has stopped'));
    },
  };
}
