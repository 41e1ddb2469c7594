// The part of the Workers runtime that worker.ts uses; the whole of it (`wrangler types`) has 632 KB.
declare module 'cloudflare:workers' {
  export abstract class DurableObject<Env> {
    protected readonly ctx: DurableObjectState
    protected readonly env: Env
    constructor(ctx: DurableObjectState, env: Env)
    alarm?(): void | Promise<void>
    fetch?(request: Request): Response | Promise<Response>
    webSocketMessage?(socket: CloudWebSocket, message: ArrayBuffer | string): void | Promise<void>
    webSocketClose?(socket: CloudWebSocket): void | Promise<void>
    webSocketError?(socket: CloudWebSocket): void | Promise<void>
  }
}

interface DurableObjectState {
  readonly storage: DurableObjectStorage
  /** from here on the object may sleep while the socket stays open */
  acceptWebSocket(socket: CloudWebSocket): void
  getWebSockets(): CloudWebSocket[]
  setWebSocketAutoResponse(pair: WebSocketRequestResponsePair): void
}

interface CloudWebSocket {
  /** of one that the object stays awake for */
  accept(): void
  send(message: ArrayBuffer | Uint8Array | string): void
  close(code?: number, reason?: string): void
  /** at most 2048 bytes, kept while the object sleeps */
  serializeAttachment(value: unknown): void
  deserializeAttachment(): unknown
}

declare class WebSocketPair {
  readonly 0: CloudWebSocket
  readonly 1: CloudWebSocket
}

declare class WebSocketRequestResponsePair {
  constructor(request: string, response: string)
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
type RemoteObject<T> = { fetch(request: Request): Promise<Response> } & {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never
}
