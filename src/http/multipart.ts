import type { Framing } from './streams.ts';

/** A part ends where the boundary after it is read, so that one is sent along with each. */
const BOUNDARY = '\r\n--graphql';

/**
 * Apollo's protocol of subscriptions over multipart HTTP: each part is a `payload` or, as a heartbeat, an empty object.
 * A client whose stream ends without the closing boundary reports a network error, which its retry link answers.
 */
export const MULTIPART: Framing = {
  headers: {
    'content-type': 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  },
  opening: BOUNDARY,
  message: (result) => part({ payload: result }),
  heartbeat: part({}),
  closing: '--\r\n',
};

function part(content: object): string {
  return `\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(content)}${BOUNDARY}`;
}
