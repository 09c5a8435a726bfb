import { newId } from '../db/id.ts';
import type { Caller } from '../workspace/caller.ts';
import type { CreateInput } from './input.ts';
import type { Purchase } from './purchase.ts';
import type { Route } from './route.ts';
import type { Generation, GenerationRequest, Task } from './types.ts';

/** The generation and its tasks as they will be stored: QUEUED, at version 1. */
export function newGeneration(
  { workspaceId, mode }: Caller,
  { input, requestHash, deadlineMs, retryOf }: Purchase,
  route: Route,
  at: Date,
): Generation {
  const id = newId('gen');
  const generation: Generation = {
    workspaceId,
    id,
    mode,
    version: 1,
    status: 'QUEUED',
    prompt: input.prompt,
    model: input.model,
    request: requested(input),
    adjustments: route.fitted.adjustments,
    fit: input.fit,
    routing: input.routing,
    retryOf,
    idempotencyKey: input.idempotencyKey,
    requestHash,
    percent: null,
    progressBasis: 'NONE',
    etaSeconds: null,
    failure: null,
    metadata: input.metadata ?? null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    deadlineAt: new Date(at.getTime() + deadlineMs),
    tasks: [],
    assets: [],
  };
  return { ...generation, tasks: splitOverTasks(generation, route) };
}

/** What one call cannot carry is split over several tasks, each with its own slots. */
function splitOverTasks(generation: Generation, { provider, fitted, reason }: Route): Task[] {
  const { images } = fitted.request;
  const count = Math.ceil(images / fitted.imagesPerCall);
  return Array.from({ length: count }, (_, i) => {
    const firstSlot = i * fitted.imagesPerCall;
    const imageCount = Math.min(fitted.imagesPerCall, images - firstSlot);
    return {
      workspaceId: generation.workspaceId,
      id: newId('tsk'),
      generationId: generation.id,
      mode: generation.mode,
      attempt: 1,
      provider: provider.slug,
      status: 'QUEUED',
      routeReason: reason,
      firstSlot,
      imageCount,
      request: { ...fitted.request, images: imageCount },
      submissionId: null,
      place: null,
      batchKey: null,
      awaitsCallback: false,
      providerTaskId: null,
      percent: null,
      progressBasis: 'NONE',
      etaSeconds: null,
      cost: { basis: 'RESERVED', reserved: null, settled: null, providerCredits: null },
      failure: null,
      undelivered: null,
      pollCount: 0,
      nextAt: generation.createdAt,
      holdUntil: null,
      settleUntil: null,
      workerId: null,
      leaseToken: 0,
      tries: 0,
      createdAt: generation.createdAt,
      submittedAt: null,
      acceptedAt: null,
      finishedAt: null,
      deadlineAt: generation.deadlineAt,
    };
  });
}

function requested(input: CreateInput): GenerationRequest {
  const { images, seed, references, style, colors, thinking, series, output, size } = input;
  const pixels = size && 'width' in size ? size : { width: null, height: null };
  const ratio = size && 'aspectRatio' in size ? size : { aspectRatio: null, resolution: null };
  const { format: outputFormat, quality: outputQuality, watermark, safety } = output;
  const wishes = { images, seed, references, style, colors, thinking, series };
  return { ...wishes, ...pixels, ...ratio, outputFormat, outputQuality, watermark, safety };
}
