/** What one provider is asked for here, of what it documents. */
export interface ChaosOffer {
  provider: string;
  /** Besides its default. Few shapes: each has to be drawn. */
  sizes: readonly object[];
  /** Beyond these its images come in several tasks. */
  imagesOfACall: number;
  hasSeries: boolean;
  /** The scheme of a reference that it takes; null: it takes none. */
  reference: 'http' | 'https' | null;
  /** Whether a submission whose answer was lost can always be found out about. */
  isRecoverable: boolean;
}

const WIDE = { ratio: { aspectRatio: '16:9', resolution: 'R2K' } };
export const SQUARE = { ratio: { aspectRatio: '1:1' } };

export const OFFERS: readonly ChaosOffer[] = [
  offer('gptimage2', { imagesOfACall: 15, sizes: [WIDE, { pixels: { width: 2848, height: 1600 } }] }),
  offer('modelark', { imagesOfACall: 1, hasSeries: true, sizes: [WIDE] }),
  offer('runware', { imagesOfACall: 20, hasSeries: true, sizes: [WIDE], isRecoverable: true }),
  offer('reapi', { imagesOfACall: 4, hasSeries: true, sizes: [WIDE], reference: 'https' }),
  offer('threedaistudio', { imagesOfACall: 6, sizes: [SQUARE] }),
  offer('seedance', { imagesOfACall: 1, sizes: [SQUARE], reference: null }),
];

function offer(provider: string, own: Partial<ChaosOffer> & Pick<ChaosOffer, 'imagesOfACall' | 'sizes'>): ChaosOffer {
  return { provider, hasSeries: false, reference: 'http', isRecoverable: false, ...own };
}
