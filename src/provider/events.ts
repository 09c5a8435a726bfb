import { createParser } from 'eventsource-parser';
import { clean } from './clean.ts';

/** Reads an answer of server-sent events while it still comes. */
export interface EventReader {
  /** Each event so far: its JSON, or its text where it is none. Clean. */
  readonly heard: unknown[];
  /** Takes the next bytes, whatever their content type says: no line of JSON reads as an event. */
  feed(chunk: Buffer): void;
  /** Nothing more comes. */
  end(): void;
}

export function createEventReader(secrets: readonly string[], onEvent: (data: unknown) => void): EventReader {
  const heard: unknown[] = [];
  const decoder = new TextDecoder();
  const parser = createParser({
    onEvent({ data }) {
      const event = clean(parseJson(data) ?? data, secrets);
      heard.push(event);
      onEvent(event);
    },
  });
  return {
    heard,
    feed: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })),
    // A last event whose blank line is missing counts all the same: cut short, it would be no JSON.
    end: () => parser.feed('\n\n'),
  };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
