import type { StoredFacts } from '../../src/asset/keep.ts';
import { newId } from '../../src/db/id.ts';
import type { Trouble } from '../../src/generation/failure-code.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { ProviderModel, ReferenceRules } from '../../src/generation/provider-model.ts';
import type { Exchange, ReportedImage } from '../../src/generation/provider-report.ts';
import type { Generation, Task } from '../../src/generation/types.ts';

/** What most providers take as a reference. */
function sampleReferenceRules(): ReferenceRules {
  const formats = ['jpeg', 'png', 'webp'];
  const bounds = { maxBytes: 10_000_000, maxTotalBytes: null, ratio: null, maxPixels: null, minSide: 1 };
  return { form: 'URL', schemes: ['http', 'https'], formats, ...bounds };
}

/** A model with room for anything that a test does not ask about. */
export function sampleModel(changes: Partial<ProviderModel> = {}): ProviderModel {
  return {
    model: 'kite-1',
    providerModelId: 'the-providers-kite-1',
    promptLimit: 2000,
    promptLimitUnit: 'CHARACTERS',
    maxImages: 4,
    maxReferences: 3,
    maxReferencesPlusImages: null,
    pixelArea: { min: 3_686_400, max: 16_777_216 },
    pixelRatio: { min: 1 / 16, max: 16 },
    outputFormats: ['PNG'],
    features: ['SEED'],
    progress: 'REPORTED',
    resultTtlSeconds: 3600,
    prices: [],
    sizes: ['1:1', '3:2', '16:9'].flatMap((aspectRatio) =>
      [null, 'R2K' as const, 'R4K' as const].map((resolution) => ({ aspectRatio, resolution, pixels: null })),
    ),
    defaultPixels: null,
    series: null,
    references: sampleReferenceRules(),
    qualities: null,
    maxBatch: 1,
    ...changes,
  };
}

export function sampleInput(changes: Partial<CreateInput> = {}): CreateInput {
  return {
    prompt: 'a red kite',
    model: 'kite-1',
    idempotencyKey: null,
    images: 1,
    series: false,
    size: null,
    references: [],
    seed: null,
    style: null,
    colors: null,
    thinking: 'DEFAULT',
    output: { format: null, quality: null, watermark: null, safety: 'DEFAULT' },
    fit: 'STRICT',
    routing: { onUncertain: 'WAIT' },
    options: null,
    deadlineSeconds: null,
    reuseWithinSeconds: null,
    metadata: null,
    ...changes,
  };
}

export function sampleTrouble(changes: Partial<Trouble> = {}): Trouble {
  return {
    code: 'PROVIDER_ERROR',
    message: 'The provider stumbled.',
    billed: 'UNKNOWN',
    retryable: true,
    providerCode: null,
    providerMessage: null,
    ...changes,
  };
}

export function sampleFacts(changes: Partial<StoredFacts> = {}): StoredFacts {
  return {
    storageKey: 'wsp/gen/ast.png',
    mimeType: 'image/png',
    byteSize: 1234,
    width: 64,
    height: 64,
    sha256: 'f'.repeat(64),
    thumbhash: 'hash',
    ...changes,
  };
}

export function sampleImages(count: number): ReportedImage[] {
  return Array.from({ length: count }, (_, i) => ({ url: `https://images.example.com/${i}.png`, seed: String(i) }));
}

export function sampleExchange(): Exchange {
  return {
    at: new Date(),
    method: 'POST',
    url: 'https://provider.example.com/v1/tasks',
    status: 200,
    durationMs: 12,
    requestBody: { prompt: 'a red kite' },
    responseBody: { id: 'theirs-1' },
    error: null,
  };
}

/** A generation as it is right after its creation, in memory only: one task for each count, with so many images. */
export function sampleGeneration(
  counts: number[],
  { at, deadlineMs = 900_000 }: { at: Date; deadlineMs?: number },
): Generation {
  const [workspaceId, id] = [newId('wsp'), newId('gen')];
  const images = counts.reduce((sum, count) => sum + count, 0);
  const deadlineAt = new Date(at.getTime() + deadlineMs);
  const { thinking, references, seed, style, colors, series } = sampleInput();
  const wishes = { thinking, references, seed, style, colors, series, outputFormat: null, outputQuality: null };
  const request = { ...wishes, watermark: null, safety: 'DEFAULT' as const };
  const tasks = counts.map((imageCount, i): Task => {
    const firstSlot = counts.slice(0, i).reduce((sum, count) => sum + count, 0);
    return {
      workspaceId,
      id: newId('tsk'),
      generationId: id,
      mode: 'TEST',
      attempt: 1,
      provider: 'kites',
      status: 'QUEUED',
      routeReason: 'a test',
      firstSlot,
      imageCount,
      request: { ...request, model: 'kite-1', prompt: 'a red kite', images: imageCount, size: null },
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
      nextAt: at,
      holdUntil: null,
      settleUntil: null,
      turnedAwayAt: null,
      workerId: null,
      leaseToken: 0,
      tries: 0,
      createdAt: at,
      submittedAt: null,
      acceptedAt: null,
      finishedAt: null,
      deadlineAt,
    };
  });
  return {
    workspaceId,
    id,
    mode: 'TEST',
    version: 1,
    status: 'QUEUED',
    prompt: 'a red kite',
    model: 'kite-1',
    request: { ...request, images, width: null, height: null, aspectRatio: null, resolution: null },
    adjustments: [],
    fit: 'STRICT',
    routing: { onUncertain: 'WAIT' },
    retryOf: null,
    idempotencyKey: null,
    requestHash: 'hash',
    percent: null,
    progressBasis: 'NONE',
    etaSeconds: null,
    failure: null,
    metadata: null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    deadlineAt,
    tasks,
    assets: [],
  };
}
