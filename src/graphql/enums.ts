import { builder } from './builder.ts';

type Described<T extends string> = Record<T, string>;

/** An enum whose every value says what it means. */
function described<const T extends string>(name: string, description: string, values: Described<T>) {
  const entries = Object.entries<string>(values).map(([value, about]) => [value, { description: about }] as const);
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(entries) as { [K in T]: { description: string } },
  });
}

export const GenerationStatusEnum = described(
  'GenerationStatus',
  'Where a generation stands. The last four are final.',
  {
    QUEUED: 'Accepted by us; nothing has been sent to a provider.',
    RUNNING: 'At a provider, or its images are being stored.',
    SUCCEEDED: 'Every image asked for is stored.',
    PARTIALLY_SUCCEEDED: 'Some images are stored; the slots of the others say why not.',
    FAILED: 'No image; `failure` says why and whether it was billed.',
    CANCELED: 'Ended by the caller before an image was made.',
  },
);

export const TaskStatusEnum = described('TaskStatus', 'Where a task stands at its provider. The last four are final.', {
  QUEUED: 'Waiting to be sent, for the first time or again after the provider provably did not accept it.',
  SUBMITTING: 'The request is on its way.',
  UNCERTAIN:
    'The submit left and no answer came back, so it may be billed. Never resubmitted unless the caller allowed it (`routing.onUncertain`).',
  ACCEPTED: 'The provider has it and gave it an id.',
  RUNNING: 'The provider is working on it.',
  COLLECTING: 'Finished at the provider; its images are being downloaded into our own storage.',
  SUCCEEDED: 'All its images are stored.',
  PARTIALLY_SUCCEEDED: 'Some of its images are stored.',
  FAILED: 'It brought no image; `failure` says why.',
  CANCELED: 'Ended by the caller, or at the provider.',
});

export const ModeEnum = described('Mode', 'What a key may reach.', {
  LIVE: 'Configured providers, which bill.',
  TEST: 'Only the sandbox, which draws pictures for nothing.',
});

export const CancelabilityEnum = described('Cancelability', 'What canceling would mean now.', {
  FREE: 'No provider has taken it; canceling costs nothing.',
  MAY_BE_BILLED: 'It was sent, and no provider is known to take a task back: it may bill all the same.',
  IMPOSSIBLE: 'It is over, or its images are already being stored.',
});

export const AssetStateEnum = described('AssetState', 'Where an image is.', {
  PENDING: 'Finished at the provider, not in our storage yet.',
  STORED: 'In our own storage, measured, with a link.',
  LOST: 'It could not be brought home; `failure` says why.',
  DELETED: 'Deleted by its owner.',
});

export const ProgressBasisEnum = described('ProgressBasis', 'What a percentage rests on.', {
  REPORTED: 'The provider reported it.',
  ESTIMATED: 'Estimated from past runs.',
  NONE: 'Nothing is known.',
});

export const CostBasisEnum = described('CostBasis', 'How certain a cost is.', {
  RESERVED: 'What it may cost at most, as far as known; nothing is settled.',
  SETTLED: 'What was billed in the end.',
  REFUNDED: 'Nothing is billed.',
  UNKNOWN: 'It may have been billed and the amount is not known. Not zero.',
});

export const BilledEnum = described('Billed', 'Whether the provider bills what went wrong.', {
  YES: 'The provider bills it.',
  NO: 'Not billed.',
  PARTLY: 'Some of it is billed.',
  UNKNOWN: 'No source says.',
});

export const FailureCodeEnum = described('FailureCode', 'Why accepted work did not end well.', {
  MODERATED_PROMPT: 'The provider refused the prompt for its content.',
  MODERATED_OUTPUT: 'The provider made it and withheld it for its content.',
  PROVIDER_REJECTED: 'The provider refused the request, or our key for it.',
  PROVIDER_ERROR: 'The provider failed.',
  PROVIDER_UNREACHABLE: 'No connection to the provider could be made.',
  PROVIDER_LOST: 'The provider no longer knows a task it had accepted.',
  RATE_LIMITED: 'The provider takes no more requests for now.',
  PROVIDER_CREDITS_EXHAUSTED: 'The account at the provider has run out of credits.',
  NOT_DELIVERED: 'The provider finished with fewer images than were asked for.',
  REFERENCE_UNREACHABLE: 'A reference image could not be fetched.',
  RESULT_UNAVAILABLE: 'The finished image could not be downloaded.',
  RESULT_INVALID: 'What the provider delivered is not an image that can be kept.',
  DEADLINE_EXCEEDED: 'It was not finished by the deadline.',
  OUTCOME_UNKNOWN: 'Whether the provider accepted it could not be found out. It may be billed.',
  CANCELED: 'It was canceled.',
  INTERNAL: 'A fault of this service.',
});

export const ResolutionEnum = described('Resolution', 'A size tier. What it means in pixels is up to each provider.', {
  R1K: 'About 1 megapixel.',
  R2K: 'About 4 megapixels, 2048x2048 when square.',
  R3K: 'About 9 megapixels, 3072x3072 when square.',
  R4K: 'About 16 megapixels, 4096x4096 when square.',
});

export const ImageFormatEnum = described('ImageFormat', 'A file format.', {
  ORIGINAL: 'As the provider makes it: in a link the format of the stored file, in a request no wish at all.',
  JPEG: 'JPEG. What is transparent becomes white.',
  PNG: 'PNG, without loss.',
  WEBP: 'WebP, image/webp.',
  AVIF: 'AVIF, image/avif.',
});

export const ImageFitEnum = described(
  'ImageFit',
  'How a picture fills a box of another shape. None of them enlarges: a box that the picture does not fill is made smaller in proportion until it does.',
  {
    COVER: 'Fills the box; what is too much is cut off evenly on both sides.',
    CONTAIN: 'Whole, in the middle of the box; the rest is transparent, in JPEG white.',
    INSIDE: 'Whole, as large as the box allows; the answer is smaller than the box in one direction.',
  },
);

export const ThinkingEnum = described('Thinking', 'How long the model reasons before it draws.', {
  DEFAULT: "The provider's own default.",
  FAST: 'As little as it can.',
  DEEP: 'More, at the cost of seconds.',
});

export const SafetyEnum = described('Safety', 'Whether the provider checks the content, where it lets one choose.', {
  DEFAULT: "The provider's own default.",
  ON: 'The content is checked.',
  OFF: 'The content is not checked.',
});

export const FitEnum = described('Fit', 'What to do with a wish a provider cannot meet exactly.', {
  STRICT: 'Refuse. What is sent is what was asked.',
  NEAREST: 'Take the nearest it offers, or drop the wish; each such change is reported in `adjustments`.',
});

export const PreferenceEnum = described(
  'Preference',
  'Whom to ask among those that fit and are well; where they are equal, or nothing is known, the first in `providers`.',
  {
    CHEAPEST: 'The lowest price. Whoever has no known price comes last: unknown is not zero.',
    FASTEST: 'The shortest usual time, `p50Seconds`. Whoever has none yet comes last.',
    BALANCED:
      'The lowest of: its price in multiples of the lowest, plus its usual time in multiples of the shortest, divided by its success rate. What is not known of one counts like the worst that is known of another.',
  },
);

export const OnFailureEnum = described(
  'OnFailure',
  'What to do with a task that its provider provably did not take, or refused; never once it was accepted.',
  {
    FALLBACK:
      'Another provider that fits is asked, as a new task; none is asked twice. What was refused for its content goes to nobody else.',
    FAIL: 'It stays with its provider: a refusal ends it, and what cannot be taken for now waits until the deadline.',
  },
);

export const PromptOptimizationEnum = described('PromptOptimization', 'How a provider may rewrite the prompt.', {
  STANDARD: 'For the better picture.',
  FAST: 'For the sooner one.',
});

export const OnUncertainEnum = described(
  'OnUncertain',
  'What to do with a task that was sent and whose answer was lost: it may have been accepted, and may be billed.',
  {
    WAIT: 'Never send it again. Find out what became of it, where the provider can be asked or calls back; after UNCERTAIN_HOLD_MS, 10 minutes unless set otherwise, or at the deadline it fails as OUTCOME_UNKNOWN.',
    FAIL: 'Hold it as WAIT does where the provider can be asked (feature RECOVERABLE_SUBMIT); elsewhere fail at once as OUTCOME_UNKNOWN. What a callback still brings is kept all the same.',
    RESUBMIT:
      'Hold it as WAIT does where the provider can be asked or calls back (RECOVERABLE_SUBMIT, WEBHOOK); after that, and elsewhere at once, make another attempt as a new task, three in all. Every attempt that was accepted is paid for.',
  },
);

export const ProviderFeatureEnum = described('ProviderFeature', 'What a provider can do beyond making an image.', {
  SEED: 'Takes a seed.',
  SAFETY_SWITCH: 'Lets the content check be switched.',
  WATERMARK_SWITCH: 'Lets the watermark be switched.',
  THINKING: 'Lets the reasoning be chosen.',
  STYLE: 'Takes a style.',
  COLORS: 'Takes a palette.',
  OUTPUT_QUALITY: 'Takes an encoding quality.',
  REFERENCE_URL: 'Takes reference images by URL.',
  REFERENCE_BYTES: 'Takes reference images as bytes.',
  WEBHOOK: 'Calls back when a task is done.',
  BATCH: 'Takes many tasks in one request.',
  SERIES: 'Makes one consistent series.',
  EXACT_PIXELS: 'Takes an exact width and height.',
  RECOVERABLE_SUBMIT: 'Lets us find out whether a submit without an answer was accepted.',
});

export const HealthStateEnum = described('HealthState', 'Whether a provider is sent anything.', {
  HEALTHY: 'It works, or nothing is known against it.',
  DEGRADED:
    'It is sent orders although fewer than 9 in 10 of its tasks succeeded of late, or it is about to be tried again.',
  OPEN: 'It failed again and again, or refuses the key or has no credits left: nothing is sent to it until `openUntil`, and then one order.',
  UNCONFIGURED: 'Old tasks name it; it is not configured any more.',
});

export const ScopeEnum = described('Scope', 'What a key may do.', {
  GENERATE: 'Create, cancel and retry generations.',
  READ: 'Read and watch.',
  ADMIN: 'Manage the workspace, say what a task was billed (`resolveTask`), and see accounts at providers.',
  DEBUG: 'See the exchanges with providers.',
});

export const UpdateKindEnum = described('UpdateKind', 'Why a message was sent.', {
  SNAPSHOT: 'The state at the time of subscribing.',
  CHANGE: 'A newer state.',
});

export const EventTypeEnum = described('EventType', 'What happened.', {
  GENERATION_CREATED: 'It was stored, with its tasks; version 1.',
  GENERATION_PROGRESSED: 'It came further, or a finished image got a URL; `percent` says how far.',
  GENERATION_FINISHED: 'It became final; `status` says how, `failure` why not well.',
  TASK_CHANGED:
    'A task was made or moved, got its id at the provider, or met a trouble; `task` and `taskStatus` name it.',
  ASSET_STORED: 'An image is in our own storage; `asset` names it.',
  ASSET_LOST: 'An image could not be brought home; `failure` says why.',
  ASSET_DELETED: 'An image was deleted by its owner.',
  COST_SETTLED: 'Of a task that was over it became known what it cost; `cost` is now that of the whole generation.',
});

export const ErrorCodeEnum = described('ErrorCode', 'Why a request was refused.', {
  INVALID_INPUT: 'A value that is not allowed; `path` names it.',
  UNSUPPORTED: 'No configured provider can do it.',
  COST_ABOVE_MAX: 'Whoever can do it costs more than `maxCost`, or nobody knows what it costs.',
  IDEMPOTENCY_CONFLICT: 'The idempotency key was used for another request.',
  NO_PROVIDER_AVAILABLE: 'No provider is configured for this mode.',
  NOT_CANCELABLE: 'It is over, or its images are already being stored.',
  NOT_RETRYABLE: 'It is not finished yet, or it lacks no image.',
  NOT_FOUND: 'There is no such thing, or it is not yours.',
});
