import type { ProviderModel } from '../../generation/provider-model.ts';
import type { ProviderRequest, RequestedSize, Sending } from '../../generation/provider-request.ts';
import { getModel } from '../get-offered.ts';
import { SEEDANCE_MODELS } from './models.ts';

/** The body of one order: only fields of seed 004, and of those only what was asked for. */
export function compose(request: ProviderRequest, sending: Sending): Record<string, unknown> {
  return { ...composeOrder(request, sending.submissionId, 0), ...composeCallback(sending) };
}

/** The body of many orders in one. */
export function composeBatch(requests: readonly ProviderRequest[], sending: Sending): Record<string, unknown> {
  const generations = requests.map((request, place) => composeOrder(request, sending.submissionId, place));
  return { generations, ...composeCallback(sending) };
}

function composeOrder(request: ProviderRequest, submissionId: string, place: number): Record<string, unknown> {
  const { prompt, size, thinking, style, colors } = request;
  const model = getModel('Seedance', SEEDANCE_MODELS, request.model);
  return {
    model: model.providerModelId,
    prompt,
    ...(size && { aspect_ratio: getAspectRatio(model, size) }),
    ...(thinking !== 'DEFAULT' && { deep_thinking: thinking === 'DEEP' }),
    ...(style && { style }),
    ...(colors && colors.length > 0 && { colors }),
    // Echoed in polls and callbacks, for whoever has to find out whose it is.
    metadata: { submission_id: submissionId, place },
  };
}

function composeCallback({ callbackUrl }: Sending): Record<string, string> {
  return callbackUrl ? { webhook_url: callbackUrl } : {};
}

/** A tier adds nothing: each ratio has one size. */
function getAspectRatio({ sizes }: ProviderModel, size: RequestedSize): string {
  const ratio = 'width' in size ? null : size.aspectRatio;
  if (ratio === null || !sizes.some(({ aspectRatio }) => aspectRatio === ratio)) {
    throw new Error(`Seedance does not offer the size ${JSON.stringify(size)}.`);
  }
  return ratio;
}
