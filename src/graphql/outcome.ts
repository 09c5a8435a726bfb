import { builder } from './builder.ts';
import { BilledEnum, CostBasisEnum, FailureCodeEnum, ProgressBasisEnum } from './enums.ts';

builder.objectType('Money', {
  description: 'An amount of money.',
  fields: (t) => ({
    amount: t.expose('amount', { type: 'DecimalString', description: 'In units of the currency, not in cents.' }),
    currency: t.exposeString('currency', { description: 'ISO 4217, such as USD.' }),
  }),
});

builder.objectType('Cost', {
  description: '`settled` null with basis UNKNOWN is not zero: budgets count `reserved` until it settles.',
  fields: (t) => ({
    basis: t.expose('basis', { type: CostBasisEnum, description: 'How certain it is.' }),
    reserved: t.expose('reserved', {
      type: 'Money',
      nullable: true,
      description: 'The most it may cost; null where the provider documents no price.',
    }),
    settled: t.expose('settled', { type: 'Money', nullable: true, description: 'What was billed; null until known.' }),
    providerCredits: t.expose('providerCredits', {
      type: 'DecimalString',
      nullable: true,
      description: "In the provider's own credits, as it reported them; null where it reports none.",
    }),
  }),
});

builder.objectType('Failure', {
  description: 'Why accepted work did not end well.',
  fields: (t) => ({
    code: t.expose('code', { type: FailureCodeEnum, description: 'What kind of failure, the same at every provider.' }),
    message: t.exposeString('message', { description: 'A sentence for people.' }),
    billed: t.expose('billed', { type: BilledEnum, description: 'Whether the provider bills it.' }),
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether asking again, as a new generation (`retryGeneration`), may help.',
    }),
    providerCode: t.exposeString('providerCode', { nullable: true, description: "The provider's own code." }),
    providerMessage: t.exposeString('providerMessage', { nullable: true, description: "The provider's own words." }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was noticed.' }),
  }),
});

interface Progressing {
  percent: number | null;
  progressBasis: 'REPORTED' | 'ESTIMATED' | 'NONE';
  etaSeconds: number | null;
}

export const Progress = builder.objectRef<Progressing>('Progress').implement({
  description: 'How far it is.',
  fields: (t) => ({
    percent: t.exposeFloat('percent', {
      nullable: true,
      description: '0 to 100, never falls; null when nothing is known. 100 only when every image is stored.',
    }),
    basis: t.expose('progressBasis', { type: ProgressBasisEnum, description: 'What `percent` rests on.' }),
    etaSeconds: t.exposeInt('etaSeconds', {
      nullable: true,
      description: 'Seconds that the provider said were left, when it last said so.',
    }),
  }),
});
