// The part of the Workers runtime that worker.ts uses; the whole of it (`wrangler types`) has 632 KB.
declare module 'cloudflare:workers' {
  export abstract class DurableObject<Env> {
    protected readonly ctx: DurableObjectState
    protected readonly env: Env
    constructor(ctx: DurableObjectState, env: Env)
    alarm?(): void | Promise<void>
  }
}

interface DurableObjectState {
  readonly storage: DurableObjectStorage
}

interface DurableObjectStorage {
  readonly sql: {
    exec(
      query: string,
      ...bindings: (ArrayBuffer | Uint8Array | string | number | null)[]
    ): {
      toArray(): Record<string, ArrayBuffer | string | number | null>[]
    }
  }
  /** milliseconds since 1970, or null */
  getAlarm(): Promise<number | null>
  setAlarm(atMs: number): Promise<void>
  /** takes the alarm with it */
  deleteAll(): Promise<void>
}

interface DurableObjectNamespace<T> {
  getByName(name: string): RemoteObject<T>
}

/** What other code may call of an object: its methods, as promises. */
type RemoteObject<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never
}
