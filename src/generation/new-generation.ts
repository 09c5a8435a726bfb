import { newId } from '../db/id.ts';
import type { Caller } from '../workspace/caller.ts';
import type { CreateInput } from './input.ts';
import { priceOf } from './price.ts';
import type { Purchase } from './purchase.ts';
import type { Route } from './route.ts';
import type { Generation, GenerationRequest, Task } from './types.ts';

/** The generation and its tasks as they will be stored: QUEUED, at version 1. */
export function newGeneration(
  { workspaceId, mode }: Caller,
  { input, requestHash, deadlineMs, retryOf, batchKey }: Purchase,
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
  const order = { firstSlot: 0, images: input.images, attempt: 1, at };
  const tasks = splitOverTasks(generation, route, {
    ...order,
    routeReason: route.reason,
    batchKey: batchKey ?? newId('bat'),
  });
  return { ...generation, tasks };
}

/** A run of a generation's slots, and how its tasks come to be. */
export interface Share {
  firstSlot: number;
  images: number;
  attempt: number;
  routeReason: string;
  /** Tasks with it may leave in one submission, where the provider has batches. */
  batchKey: string;
  at: Date;
}

/** What one call cannot carry is split over several tasks, each with its own slots. */
export function splitOverTasks(generation: Generation, route: Route, share: Share): Task[] {
  const { provider, fitted, model } = route;
  const count = Math.ceil(share.images / fitted.imagesPerCall);
  return Array.from({ length: count }, (_, i) => {
    const offset = i * fitted.imagesPerCall;
    const imageCount = Math.min(fitted.imagesPerCall, share.images - offset);
    return {
      workspaceId: generation.workspaceId,
      id: newId('tsk'),
      generationId: generation.id,
      mode: generation.mode,
      attempt: share.attempt,
      provider: provider.slug,
      status: 'QUEUED',
      routeReason: share.routeReason,
      firstSlot: share.firstSlot + offset,
      imageCount,
      request: { ...fitted.request, images: imageCount },
      submissionId: null,
      place: null,
      batchKey: model.maxBatch > 1 ? share.batchKey : null,
      awaitsCallback: false,
      providerTaskId: null,
      percent: null,
      progressBasis: 'NONE',
      etaSeconds: null,
      cost: { basis: 'RESERVED', reserved: priceOf(model, imageCount, share.at), settled: null, providerCredits: null },
      failure: null,
      undelivered: null,
      pollCount: 0,
      nextAt: share.at,
      holdUntil: null,
      settleUntil: null,
      turnedAwayAt: null,
      workerId: null,
      leaseToken: 0,
      tries: 0,
      createdAt: share.at,
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
  const extras = input.options ? { options: input.options } : {};
  return { ...wishes, ...pixels, ...ratio, outputFormat, outputQuality, watermark, safety, ...extras };
}
