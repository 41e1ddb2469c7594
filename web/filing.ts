// What a person does with files, in whichever tab (model.ts): described here, carried out by the tab that leads.
import { type Attachment, cleanFileName, cleanFileType } from '../shared/attachment.ts'
import { toHex } from '../shared/bytes.ts'
import { codeOf } from '../shared/error.ts'
import { kindOf, safeType } from './filekind.ts'
import type { Files } from './files.ts'
import type { FileTask, Filing, Message } from './model.ts'
import type { Runtime } from './runtime.ts'
import type { StateBox } from './state.ts'
import type { Tab } from './tab.ts'

interface FilerPorts {
  readonly box: StateBox
  readonly files: Pick<Files, 'do' | 'content' | 'open'>
  readonly tab: Pick<Tab, 'leading' | 'tell'>
  readonly runtime: Pick<Runtime, 'random'>
  /** unix ms */
  readonly now: () => number
}

export class Filer implements Filing {
  readonly #ports: FilerPorts

  constructor(ports: FilerPorts) {
    this.#ports = ports
  }

  send(files: readonly Blob[], text = '', replyTo: string | null = null): void {
    const { room } = this.#ports.box.value
    this.#run(async () => {
      for (const [i, content] of files.entries()) {
        const file = await describe(content)
        const message = this.#message(room, file, i === 0 ? text : '', i === 0 ? replyTo : null)
        await this.#task({ do: 'send', message, content })
      }
    })
  }

  voice(sound: Blob, durationMs: number, replyTo: string | null = null): void {
    const { room } = this.#ports.box.value
    this.#run(async () => {
      const file = { ...(await describe(sound)), durationMs }
      const message = this.#message(room, file, '', replyTo)
      await this.#task({ do: 'send', message, content: sound })
    })
  }

  #message(room: string, file: Attachment, text: string, replyTo: string | null): Message {
    const { box, runtime, now } = this.#ports
    return {
      ...{ id: toHex(runtime.random(16)), room, text, replyTo, file, mine: true },
      author: box.value.me ?? '',
      ...{ atMs: now(), seq: null, state: 'sending' },
      ...{
        edited: false,
        deleted: false,
        gone: false,
        endsAtMs: 0,
        notice: null,
        change: 0,
        reactions: [],
      },
    }
  }

  again(id: string, content: Blob): void {
    this.#run(() => this.#task({ do: 'again', id, content }))
  }

  fetch(id: string): void {
    this.#run(() => this.#task({ do: 'fetch', id }))
  }

  pause(id: string): void {
    this.#run(() => this.#task({ do: 'pause', id }))
  }

  resume(id: string): void {
    this.#run(() => this.#task({ do: 'resume', id }))
  }

  cancel(id: string): void {
    this.#run(() => this.#task({ do: 'cancel', id }))
  }

  content({ id, file }: Pick<Message, 'id' | 'file'>): Promise<Blob | 'large' | null> {
    return this.#ports.files.content(id, safeType(file?.type ?? ''))
  }

  open(
    { id, file }: Pick<Message, 'id' | 'file'>,
    onBytes: (bytes: number) => void,
  ): Promise<Blob | null> {
    return this.#ports.files.open(id, safeType(file?.type ?? ''), onBytes)
  }

  async #task(task: FileTask): Promise<void> {
    const { tab, files } = this.#ports
    if (tab.leading) await files.do(task)
    else tab.tell({ type: 'file', task })
  }

  #run(run: () => Promise<void>): void {
    void run().catch((error) => this.#ports.box.set({ error: codeOf(error) }))
  }
}

/** As its message will say it; the hash comes with the last block. */
async function describe(content: Blob): Promise<Attachment> {
  const type = cleanFileType(content.type)
  const name = cleanFileName(content instanceof File ? content.name : '')
  const looks = kindOf(type) === 'picture' ? await looksOf(content) : NO_LOOKS
  return { size: content.size, hash: new Uint8Array(32), type, name, durationMs: 0, ...looks }
}

const NO_LOOKS = { width: 0, height: 0, thumbnail: new Uint8Array(0) }

async function looksOf(content: Blob) {
  const { sizeOf, thumbnailOf } = await import('./picture.ts')
  const size = await sizeOf(content)
  // Wider than the field can say: shown without a place kept for it.
  if (size === null || Math.max(size.width, size.height) > 0xffff) return NO_LOOKS
  return { ...size, thumbnail: await thumbnailOf(content, size) }
}
