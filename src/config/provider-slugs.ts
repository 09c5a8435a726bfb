/** Every provider this service knows, in the order of its catalogue. */
export const PROVIDER_SLUGS = ['gptimage2', 'modelark', 'runware', 'reapi', 'threedaistudio', 'seedance'] as const;
export type ProviderSlug = (typeof PROVIDER_SLUGS)[number];
