/** S3 answered, and not with what was asked for. The message holds nothing of its text: that may quote credentials. */
export class S3Refusal extends Error {
  readonly status: number;
  /** S3's own word, such as NoSuchKey; null where it said none, as to every HEAD. */
  readonly code: string | null;

  constructor(method: string, status: number, text: string) {
    const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] ?? null;
    super(`S3 answered ${status}${code ? ` ${code}` : ''} to ${method}`);
    this.status = status;
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no bucket of this name',
  InvalidAccessKeyId: 'it does not know AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID',
  InvalidToken: 'it does not accept AWS_SESSION_TOKEN',
  ExpiredToken: 'AWS_SESSION_TOKEN has expired',
  AccessDenied: 'the credentials may not do this: they need s3:PutObject, GetObject, DeleteObject and ListBucket',
  AuthorizationHeaderMalformed: 'the bucket is in another region',
  PermanentRedirect: 'the bucket is in another region',
  RequestTimeTooSkewed: 'the clocks differ too much',
};

/** One clause on what went wrong, for whoever set STORAGE_URL. */
export function explain(error: unknown): string {
  if (error instanceof S3Refusal) {
    const reason = REASONS[error.code ?? ''];
    return reason ? `${error.message}: ${reason}` : error.message;
  }
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `S3 cannot be reached (${error.code})` : error.message;
}

/** Answers of a moment: what was damaged on the way, came too slowly, or found S3 too busy. */
const PASSING_CODES: ReadonlySet<string> = new Set(['RequestTimeout', 'BadDigest', 'XAmzContentSHA256Mismatch']);

/** Whether the very same request may succeed in a moment. Whatever is no answer of S3 is the network. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof S3Refusal)) return true;
  return error.status >= 500 || error.status === 429 || PASSING_CODES.has(error.code ?? '');
}
