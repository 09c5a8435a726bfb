import type { ImageFormat, Resolution } from './provider-model.ts';
import type { ProviderOptions, Safety, Thinking } from './provider-request.ts';
import type { Fit, Routing } from './types.ts';

/** What a caller asks for, before it is checked. */
export interface CreateInput {
  prompt: string;
  model: string;
  idempotencyKey: string | null;
  images: number;
  series: boolean;
  size: { width: number; height: number } | { aspectRatio: string; resolution: Resolution | null } | null;
  references: { uri: string }[];
  seed: number | null;
  style: string | null;
  colors: string[] | null;
  thinking: Thinking;
  output: { format: ImageFormat | null; quality: number | null; watermark: boolean | null; safety: Safety };
  fit: Fit;
  /** With what it may cost at most. */
  routing: Routing;
  options: ProviderOptions | null;
  deadlineSeconds: number | null;
  /** Seconds; null buys anew. */
  reuseWithinSeconds: number | null;
  metadata: unknown;
}

/** Why one provider cannot do what was asked. `allowed` is set where another value of the same thing would do. */
export interface Refusal {
  provider: string;
  path: string[];
  message: string;
  allowed: string[] | null;
}
