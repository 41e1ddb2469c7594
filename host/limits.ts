// What one sender, or all together, may ask of a host before it knows them.

/** SPEC §4.1 */
export const LIMIT = {
  failuresPerSecond: 20,
  failureBurst: 40,
  noncesPerMinute: 60,
  halfOpenPerCredential: 4,
  halfOpen: 64,
  addresses: 8,
  admissionMs: 30_000,
  transactions: 1024,
  heardMs: 30_000,
  knockMs: 5000,
  unknocked: 128,
  unknockedPerSource: 8,
} as const
