// A conversation that goes on while something breaks: one writes all the time, another reads, and afterwards both have every
// message once and in order.
import assert from 'node:assert/strict'
import type { Client, Way } from '../e2e/client.ts'

/** between two messages: what a page shows without effort, for all of the minutes that this takes */
const EVERY_MS = 400

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** One message after the other until told to stop. */
class Chatter {
  readonly #client: Client
  readonly #from: number
  #going = true
  readonly #done: Promise<void>

  constructor(client: Client) {
    this.#client = client
    this.#from = client.wrote.length
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    for (let i = this.#from; this.#going; i++) {
      await this.#client.send(`message ${i}`)
      await pause(EVERY_MS)
    }
  }

  async stop(): Promise<void> {
    this.#going = false
    await this.#done
  }
}

export interface Resumed {
  /** from usable again until the host has a message that was written after that */
  readonly ms: number
  /** written meanwhile */
  readonly messages: number
}

export class Talk {
  readonly writer: Client
  readonly #reader: Client
  /** a row of a table for each break */
  readonly rows: string[] = []

  constructor(writer: Client, reader: Client) {
    this.writer = writer
    this.#reader = reader
  }

  /** `breaks` ends when the path is usable again, or resolves to the time when it was. */
  async through(
    what: string,
    breaks: () => Promise<unknown>,
    route: Way = 'direct',
    before: Way = 'direct',
  ): Promise<Resumed> {
    const { writer } = this
    await writer.waitConnected(60_000, before)
    const written = writer.wrote.length
    const chatter = new Chatter(writer)
    let ms = 0
    try {
      const said = await breaks()
      const usable = typeof said === 'number' ? said : performance.now()
      // Whatever the page says: what is written from now on has to get through.
      await writer.waitMessage(`message ${writer.wrote.length}`, 'sent', 'delivered')
      ms = Math.round(performance.now() - usable)
      await writer.waitConnected(120_000, route)
    } finally {
      await chatter.stop()
    }
    await this.complete()
    const messages = writer.wrote.length - written
    this.rows.push(`| ${what} | ${ms} | ${messages} | none |`)
    return { ms, messages }
  }

  /** Nothing lost, doubled, or out of order. */
  async complete(): Promise<void> {
    const { writer } = this
    const last = writer.wrote.at(-1) ?? ''
    await writer.waitMessage(last, 'delivered')
    await this.#reader.waitMessage(last)
    assert.deepEqual(await this.#reader.texts(), writer.wrote)
    assert.deepEqual(await writer.texts(), writer.wrote)
  }

  /** The table, for `report`. */
  get table(): string[] {
    return [
      '| what happened | usable again to the next message with the host, ms | messages | lost, doubled, out of order |',
      '|---|---|---|---|',
      ...this.rows,
    ]
  }
}
