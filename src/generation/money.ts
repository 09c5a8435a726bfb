/** A decimal amount, as a string so that no digit is lost, and its ISO 4217 currency. */
export interface Money {
  amount: string;
  currency: string;
}
