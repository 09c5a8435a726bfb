import type { CreateInput } from '../../src/generation/input.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { sampleFacts, sampleTrouble } from './samples.ts';
import { accept, finished, type Stage, taskOf, tell } from './stage.ts';

/**
 * Creates a generation of one task and brings it to its end: so many pictures are stored, and the others that its
 * provider made are lost. Unless told otherwise it has all that it asked for.
 */
export async function finish(
  stage: Stage,
  caller: Caller,
  input: Partial<CreateInput> = {},
  pictures: { stored?: number; made?: number } = {},
): Promise<Generation> {
  const stored = pictures.stored ?? input.images ?? 1;
  const made = pictures.made ?? stored;
  const accepted = await accept(stage, await stage.create(caller, input));
  const collecting = await tell(stage.domain, accepted, finished(accepted, made));
  const { id: taskId, leaseToken: token } = taskOf(collecting);
  const reports = collecting.assets.map(
    ({ id: assetId, index }): Report =>
      index < stored
        ? { kind: 'STORED', taskId, token, assetId, facts: sampleFacts() }
        : { kind: 'LOST', taskId, token, assetId, failure: sampleTrouble() },
  );
  return tell(stage.domain, collecting, ...reports);
}
