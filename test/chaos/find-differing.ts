import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { isSuperseded } from './find-duplicated.ts';
import { groupBy } from './group.ts';
import { OFFERS } from './offers.ts';
import { listLosingTheirAnswers, type Order } from './orders.ts';
import type { AssetRow, GenerationRow, Records, TaskRow } from './records.ts';

/**
 * What did not end as it does without faults: the same status, failure and slots, and from the same provider the same
 * pictures. Who makes what the router may choose depends on how everybody is doing, and where a client wanted to cancel a
 * race decides. Of what is uncertain only the pictures that came are compared. Without faults only what loses its answer
 * at the provider may be uncertain, and nothing that its provider can be asked about.
 */
export function findDiffering({ placed, records }: Outcome, calm: Outcome): Fault[] {
  const losing = listLosingTheirAnswers(placed.map(({ order }) => order));
  const [ends, calmEnds] = [endsOf(records), endsOf(calm.records)];
  return placed.flatMap(({ order, id }): Fault[] => {
    const [end, calmEnd] = [ends.get(order.prompt), calmEnds.get(order.prompt)];
    const differing = (why: string): Fault[] => [{ kind: 'differing', generationId: id, why }];
    if (!end || !calmEnd) return differing('it is not there in one of the runs');
    if (calmEnd.isUncertain && (!losing.has(order) || isRecoverable(order))) {
      return differing('it is uncertain without a fault');
    }
    if (order.cancelAfterMs !== null) return [];
    const strange = end.pictures.find((picture) => isOther(picture, calmEnd.pictures));
    if (strange) return differing(`picture ${strange.index} of ${strange.provider} is another one`);
    if (end.isUncertain || calmEnd.isUncertain) return [];
    return end.text === calmEnd.text ? [] : differing(`${end.text}; without faults ${calmEnd.text}`);
  });
}

/** How an order ended. */
interface End {
  isUncertain: boolean;
  /** Status, failure, and the numbers of its pictures. */
  text: string;
  pictures: Picture[];
}

interface Picture {
  index: number;
  provider: string | undefined;
  sha256: string | null;
}

/** By prompt. */
function endsOf({ generations, tasks, assets }: Records): Map<string, End> {
  const uncertain = new Set(tasks.filter((task) => isUncertain(task, tasks)).map(({ generationId }) => generationId));
  const stored = groupBy(
    assets.filter(({ state }) => state === 'STORED'),
    ({ generationId }) => generationId,
  );
  const providers = new Map(tasks.map(({ id, provider }) => [id, provider]));
  return new Map(
    generations.map((generation) => {
      const mine = stored.get(generation.id) ?? [];
      const text = describe(generation, mine);
      const pictures = mine.map(({ index, taskId, sha256 }) => ({ index, provider: providers.get(taskId), sha256 }));
      return [generation.prompt, { isUncertain: uncertain.has(generation.id), text, pictures }];
    }),
  );
}

function describe({ status, failure }: GenerationRow, assets: readonly AssetRow[]): string {
  return [status, failure, ...assets.map(({ index }) => index)].join(' ');
}

/** Nobody knows what became of it, or of some of its images. */
export function isUncertain(task: TaskRow, tasks: readonly TaskRow[]): boolean {
  return [task.failure, ...task.undelivered].includes('OUTCOME_UNKNOWN') && !isSuperseded(task, tasks);
}

function isOther({ index, provider, sha256 }: Picture, calm: readonly Picture[]): boolean {
  const same = calm.find((each) => each.index === index && each.provider === provider);
  return same !== undefined && same.sha256 !== sha256;
}

function isRecoverable({ input }: Order): boolean {
  const { providers } = input.routing;
  return OFFERS.some((offer) => offer.isRecoverable && providers?.length === 1 && providers[0] === offer.provider);
}
