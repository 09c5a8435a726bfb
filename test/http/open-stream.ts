import { onTestFinished } from 'vitest';
import { until } from '../service/until.ts';

export interface OpenStream {
  status: number;
  headers: Headers;
  /** All that came so far. */
  text(): string;
  /** Waits until this came. */
  until(part: string | RegExp): Promise<string>;
  /** How it ended: whole, or cut in the middle of the response. */
  ended: Promise<'whole' | 'cut'>;
  leave(): void;
}

/** Subscribes over HTTP and reads on while the test goes on. */
export async function openStream(url: string, init: RequestInit): Promise<OpenStream> {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await fetch(url, { ...init, signal: leaving.signal });
  let text = '';
  const read = async (): Promise<'whole' | 'cut'> => {
    try {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
      return 'whole';
    } catch {
      return 'cut';
    }
  };
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    until: (part) =>
      until(
        () => text,
        (whole) => whole.search(part) >= 0,
      ),
    ended: read(),
    leave: () => leaving.abort(),
  };
}
