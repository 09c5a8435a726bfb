import type { Refusal, Reply } from '../dialect.ts';

/** One entry of `errors`: it belongs to one task of the array, where that can be told. */
export interface TaskError {
  code: string;
  message: string;
  parameter?: string | string[];
  taskType?: string;
  taskUUID?: string;
  /** In the answer to a getResponse. */
  status?: 'error';
  documentation: string;
}

/** What the frame refuses. The codes of 401, 402 and 429 are the provider's; SIM: the others. */
export function refuse(refusal: Refusal): Reply {
  return REFUSALS[refusal];
}

/** A body that is no array of tasks. SIM: its code. */
export function refuseBody(): Reply {
  return envelope(400, toError('invalidRequest', 'The request body must be a JSON array of at least one task.'));
}

export function toError(code: string, message: string, more: Omit<Partial<TaskError>, 'code' | 'message'> = {}) {
  return { code, message, ...more, documentation: 'https://runware.ai/docs/platform/errors' } satisfies TaskError;
}

const REFUSALS: Record<Refusal, Reply> = {
  unauthorized: envelope(
    401,
    toError('invalidApiKey', 'Invalid API key. Get one at https://my.runware.ai/signup', {
      parameter: 'apiKey',
      taskType: 'authentication',
    }),
  ),
  'no-credits': envelope(402, toError('insufficientCredits', 'Insufficient credits. Please top up your balance.')),
  'no-such-path': envelope(404, toError('notFound', 'There is nothing at this address.')),
  'body-too-large': envelope(413, toError('maxRequestSizeExceeded', 'The request body is too large.')),
  'rate-limited': {
    ...envelope(429, toError('rateLimitExceeded', 'The queue is full. Try again later.')),
    headers: { 'retry-after': '1' },
  },
  broken: envelope(500, toError('internalServerError', 'Internal server error.')),
};

function envelope(status: number, error: TaskError) {
  return { status, body: { errors: [error] } };
}
