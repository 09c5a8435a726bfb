import type { Trouble } from '../../generation/failure-code.ts';
import { type Said, toTrouble } from '../trouble.ts';

const MODERATION = [
  'SensitiveContentDetected',
  'InputTextSensitiveContentDetected',
  'InputImageSensitiveContentDetected',
  'InputTextRiskDetection',
  'InputImageRiskDetection',
  'OutputImageSensitiveContentDetected',
  'OutputImageRiskDetection',
  'ContentSecurityDetectionError',
];

/** The status each code goes with (BytePlus, "Common Error Codes"), for when it comes within a stream that began with 200. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ...[...MODERATION, 'MissingParameter', 'InvalidParameter'].map((code) => [code, 400] as const),
  ['AuthenticationError', 401],
  ['AccessDenied', 403],
  ['InvalidEndpoint', 400],
  ['NotFound', 404],
  ['InvalidEndpointOrModel', 404],
  ['UnsupportedModel', 404],
  ['RateLimitExceeded', 429],
  ['InternalServiceError', 500],
]);

/** The HTTP status that tells what this proves. An account in arrears answers 403, like a key without a right. */
export function statusOf(status: number, { code }: Said): number {
  if (code === 'AccountOverdueError') return 402;
  const isSuccess = status >= 200 && status < 300;
  return isSuccess ? (STATUSES.get(stemOf(code)) ?? status) : status;
}

/** Whether the prompt or a reference, or what came of them, was blocked. */
export function isModeration({ code }: Said): boolean {
  return MODERATION.includes(stemOf(code));
}

/** Whether it was the image, and not what it was asked for with. */
export function isModeratedOutput({ code }: Said): boolean {
  return isModeration({ code, message: null, hint: null }) && stemOf(code).startsWith('Output');
}

/** An internal error of one image is the end of its series (providers.md §2.1). */
export function endsSeries({ code }: Said): boolean {
  return stemOf(code) === 'InternalServiceError';
}

/** Why one image was not made. Only successes are billed. */
export function toImageTrouble(said: Said): Trouble {
  return isModeration(said)
    ? toTrouble('MODERATED_OUTPUT', 'NO', false, 'ModelArk blocked this image for its content.', said)
    : toTrouble('PROVIDER_ERROR', 'NO', true, 'ModelArk failed to make this image.', said);
}

/** Said to be made, without an address. */
export function toUnreachable(): Trouble {
  return toTrouble('RESULT_UNAVAILABLE', 'UNKNOWN', true, 'ModelArk gave no usable address for this image.');
}

/** `InvalidParameter.Size` is a kind of `InvalidParameter`. */
function stemOf(code: string | null): string {
  return code?.split('.', 1)[0] ?? '';
}
