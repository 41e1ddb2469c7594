// All ways in that lead over a mailbox (SPEC §4.4): the host's own endpoint, and those of its https stores.
import type { NodeMailbox } from '../fallback-worker/node.ts'
import { toHex } from '../shared/bytes.ts'
import {
  decodeToHost,
  encodeData,
  encodeGone,
  encodeHints,
  signalHints,
} from '../shared/mailbox.ts'
import { MailboxLine } from './mailbox.ts'
import { RelayDesk, type RelayInput } from './relay.ts'

export interface RelaysInput extends RelayInput {
  /** base URLs of others' endpoints, no trailing slash */
  readonly urls: readonly string[]
  /** of the endpoint in this process */
  readonly own: NodeMailbox
  /** 32 bytes */
  readonly storageId: Uint8Array
  /** Ed25519 secret of W, 32 bytes */
  readonly writeSecret: Uint8Array
}

export class Relays {
  readonly #desk: RelayDesk
  readonly #lines: readonly MailboxLine[]
  readonly #input: RelaysInput
  #own: { send(bytes: Uint8Array): void; close(): void } | null = null

  constructor(input: RelaysInput) {
    this.#input = input
    this.#desk = new RelayDesk(input)
    const { writeSecret, wallMs } = input
    this.#lines = input.urls.map(
      (url) =>
        new MailboxLine({
          ...{ url, writeSecret, now: wallMs, hints: () => this.#hints() },
          onTrunk: (trunk) => this.#desk.serve(trunk),
        }),
    )
  }

  start(): void {
    this.#desk.refresh()
    this.#attach()
    for (const line of this.#lines) line.start()
  }

  /** On every change of credentials and at each epoch. */
  refresh(): void {
    this.#desk.refresh()
    if (this.#own !== null) this.#own.send(encodeHints(this.#hints()))
    for (const line of this.#lines) line.refresh()
  }

  /** The network may be another one. */
  doubt(): void {
    for (const line of this.#lines) line.doubt()
  }

  /** As `RelayDesk.retire`. */
  retire(credentialIds: ReadonlySet<string>): void {
    this.#desk.retire(credentialIds)
    this.refresh()
  }

  stop(): void {
    for (const line of this.#lines) line.stop()
    this.#desk.stop()
    this.#own?.close()
    this.#own = null
  }

  #hints(): Uint8Array {
    const { credentials, epoch, writeSecret } = this.#input
    const roots = credentials().map(({ root }) => root)
    return signalHints(roots, epoch(), writeSecret)
  }

  #attach(): void {
    const { own, storageId } = this.#input
    const line = own.attach(toHex(storageId), this.#hints(), {
      onMessage: (bytes) => {
        const message = decodeToHost(bytes)
        if (message.type === 'data') listener.onData(message.client, message.data)
        else if (message.type === 'gone') listener.onGone(message.client)
      },
      onClose: () => listener.onEnd(),
    })
    const listener = this.#desk.serve({
      send: (client, data) => line.send(encodeData(client, data)),
      close: (client) => line.send(encodeGone(client)),
    })
    this.#own = line
  }
}
