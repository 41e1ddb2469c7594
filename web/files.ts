// The files of this browser's messages (SPEC §6.5, §7.7): carries out what transfers.ts decides, in the tab that leads.
import type { Attachment } from '../shared/attachment.ts'
import { fromHex, toHex } from '../shared/bytes.ts'
import type { Route } from '../shared/constants.ts'
import { ClawError, codeOf } from '../shared/error.ts'
import { blocksOf, FILE_BLOCK_BYTES, FILE_WINDOW, type FileMessage } from '../shared/files.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { Download } from './download.ts'
import { type FileStore, KEPT_BYTES, type StoredUpload } from './filestore.ts'
import type { Keep, StoredMessage } from './keep.ts'
import type { FileTask, TransferView } from './model.ts'
import type { Runtime } from './runtime.ts'
import type { StateBox } from './state.ts'
import type { Timeline } from './timeline.ts'
import {
  NO_TRANSFERS,
  stepTransfers,
  type Transfer,
  type TransferEffect,
  type TransferInput,
} from './transfers.ts'
import { Upload } from './upload.ts'

/** How often progress is shown. */
const SHOW_MS = 300
const SPEED_OVER_MS = 3000

type Store = Pick<FileStore, keyof FileStore>

export interface FilesPorts {
  readonly store: Promise<Store>
  readonly box: StateBox
  readonly keep: Pick<Keep, 'message'>
  readonly timeline: Pick<Timeline, 'hold' | 'release' | 'forget'>
  readonly runtime: Pick<Runtime, 'after'>
  /** ms that never go back */
  readonly clock: () => number
  readonly say: (message: ClawMessage) => boolean
}

/** What a transfer is of, and how it goes. */
interface Job {
  readonly id: string
  readonly message: StoredMessage & { readonly file: Attachment }
  upload: Upload | null
  download: Download | null
  /** what is done with one file is done one after the other */
  tail: Promise<unknown>
  /** bytes by time, for the speed */
  readonly marks: { readonly atMs: number; readonly bytes: number }[]
}

export class Files {
  readonly #ports: FilesPorts
  #state = NO_TRANSFERS
  readonly #jobs = new Map<string, Job>()
  #isShowing = false

  constructor(ports: FilesPorts) {
    this.#ports = ports
    // Told when a file is first wanted.
    ports.store.catch(() => undefined)
  }

  /** This tab leads now: what was under way goes on. */
  async load(): Promise<void> {
    const store = await this.#ports.store
    await store.sealOld()
    for (const { id } of await store.contents()) {
      const message = await this.#ports.keep.message(id)
      if (message?.file === undefined || message.deleted) await store.remove(id)
    }
    for (const upload of await store.uploads()) await this.#goOn(store, upload)
  }

  async #goOn(store: Store, { id, message, content, isPaused }: StoredUpload): Promise<void> {
    const known = await this.#ports.keep.message(id)
    if (known === null || !hasFile(message)) return store.remove(id)
    // The page was closed between the last block and the note that it was sent.
    if (known.seq !== null) return store.sent(id)
    this.#add(message, 'up', content, isPaused)
    if (content === null) this.#feed({ type: 'failed', id, code: 'file-unreadable' })
  }

  /** A carrier took over. */
  live(route: Route): void {
    this.#feed({ type: 'live', window: FILE_WINDOW[route] })
  }

  rest(): void {
    this.#feed({ type: 'rest' })
  }

  /** Another tab leads. */
  leave(): void {
    this.#state = NO_TRANSFERS
    this.#jobs.clear()
  }

  /** The host is burnt, or another one was joined. */
  async clear(): Promise<void> {
    this.leave()
    await (await this.#ports.store).clear()
  }

  async do(task: FileTask): Promise<void> {
    switch (task.do) {
      case 'send':
        return this.#send(task.message, task.content)
      case 'again':
        return this.#chosenAgain(task.id, task.content)
      case 'fetch':
        return this.#fetch(task.id)
      case 'pause':
        return this.#pause(task.id)
      case 'resume':
        return this.#resume(task.id)
      case 'cancel':
        return this.#cancel(task.id)
    }
  }

  async #send(message: StoredMessage, content: Blob): Promise<void> {
    const { id } = message
    if (!hasFile(message)) return
    const store = await this.#ports.store
    const kept = content.size <= KEPT_BYTES ? content : null
    await store.putUpload({ id, message, content: kept, isPaused: false })
    await this.#ports.timeline.hold(message)
    this.#add(message, 'up', content, false)
  }

  async #chosenAgain(id: string, content: Blob): Promise<void> {
    const job = this.#jobs.get(id)
    if (job === undefined || content.size !== job.message.file.size) {
      this.#feed({ type: 'failed', id, code: 'file-unreadable' })
      return
    }
    job.upload = new Upload(content)
    this.#feed({ type: 'resume', id })
  }

  async #fetch(id: string): Promise<void> {
    const message = await this.#ports.keep.message(id)
    if (message === null || !hasFile(message)) return
    const known = this.#state.all.find((each) => each.id === id)
    if (known !== undefined) return this.#feed({ type: 'resume', id })
    const store = await this.#ports.store
    if (await store.has(id)) this.#show({ id, way: 'down', phase: 'done' })
    else this.#add(message, 'down', null, false)
  }

  async #pause(id: string): Promise<void> {
    this.#feed({ type: 'pause', id })
    await this.#keepPaused(id, true)
  }

  async #resume(id: string): Promise<void> {
    const job = this.#jobs.get(id)
    const transfer = this.#state.all.find((each) => each.id === id)
    if (job === undefined || transfer === undefined) return
    if (transfer.way === 'up' && job.upload === null) return
    await this.#keepPaused(id, false)
    this.#feed({ type: 'resume', id })
  }

  async #keepPaused(id: string, isPaused: boolean): Promise<void> {
    await (await this.#ports.store).pauseUpload(id, isPaused)
  }

  async #cancel(id: string): Promise<void> {
    const way = this.#state.all.find((each) => each.id === id)?.way
    this.#feed({ type: 'remove', id })
    this.#jobs.delete(id)
    await (await this.#ports.store).remove(id)
    const { box } = this.#ports
    box.set({ transfers: box.value.transfers.filter((each) => each.id !== id) })
    if (way === 'up') await this.#ports.timeline.forget(id)
  }

  /** Their messages are gone. */
  async gone(ids: readonly string[]): Promise<void> {
    const { box, store } = this.#ports
    for (const id of ids) {
      this.#feed({ type: 'remove', id })
      this.#jobs.delete(id)
      await (await store).remove(id)
    }
    box.set({ transfers: box.value.transfers.filter(({ id }) => !ids.includes(id)) })
  }

  #add(message: Job['message'], way: Transfer['way'], content: Blob | null, isPaused: boolean) {
    const { id, file } = message
    const upload = content === null ? null : new Upload(content)
    const job: Job = { id, message, upload, download: null, tail: Promise.resolve(), marks: [] }
    if (this.#jobs.has(id)) return
    this.#jobs.set(id, job)
    const blocks = blocksOf(file.size)
    if (way === 'up') return this.#feed({ type: 'add', id, way, blocks, next: 0, isPaused })
    this.#inTurn(job, async () => {
      job.download = await Download.begin(await this.#ports.store, id, file.size)
      this.#feed({ type: 'add', id, way, blocks, next: job.download.blocks, isPaused })
    })
  }

  /** What the host says of files. */
  heard(message: FileMessage): void {
    const job = this.#jobs.get(toHex(message.id))
    if (job === undefined) return
    const { id } = job
    switch (message.type) {
      case 'at':
        this.#inTurn(job, () => this.#at(job, message.blocks, message.hash))
        break
      case 'block':
        this.#inTurn(job, async () => {
          await job.download?.take(message.index, message.bytes)
          this.#feed({ type: 'at', id, blocks: job.download?.blocks ?? 0 })
        })
        break
      case 'file-fail':
        this.#feed({ type: 'failed', id, code: message.code })
        break
      default:
        throw new ClawError('frame-invalid')
    }
  }

  async #at({ id, upload }: Job, blocks: number, hash: Uint8Array): Promise<void> {
    if (upload === null) return
    if (!(await upload.isBehind(blocks, hash))) {
      // The host has the beginning of another file: the next try begins anew.
      this.#ports.say({ type: 'drop', id: fromHex(id) })
      throw new ClawError('file-unreadable')
    }
    this.#feed({ type: 'at', id, blocks })
  }

  #feed(input: TransferInput): void {
    const [next, effects] = stepTransfers(this.#state, input)
    this.#state = next
    for (const effect of effects) this.#carryOut(effect)
    this.#showSoon()
  }

  #carryOut(effect: TransferEffect): void {
    const id = fromHex(effect.id)
    const job = this.#jobs.get(effect.id)
    const { say } = this.#ports
    switch (effect.type) {
      case 'drop':
        say({ type: 'drop', id })
        break
      case 'offer': {
        const { message } = job as Job
        say({ type: 'offer', id, room: fromHex(message.room), size: message.file.size })
        break
      }
      case 'fetch':
        say({ type: 'fetch', id, index: effect.index })
        break
      case 'put':
        this.#inTurn(job as Job, async () => {
          const bytes = await job?.upload?.next(effect.index)
          if (bytes !== undefined) say({ type: 'put', id, index: effect.index, bytes })
        })
        break
      case 'finish':
        this.#inTurn(job as Job, () => this.#finish(job as Job))
        break
    }
  }

  async #finish(job: Job): Promise<void> {
    const { id, message, upload, download } = job
    const store = await this.#ports.store
    if (upload === null) await download?.finish(message.file.hash)
    else {
      const hash = await upload.hash(blocksOf(message.file.size))
      await this.#ports.timeline.release({ ...message, file: { ...message.file, hash } })
      await store.sent(id)
    }
    this.#jobs.delete(id)
    this.#state = stepTransfers(this.#state, { type: 'remove', id })[0]
    this.#show({ id, way: upload === null ? 'down' : 'up', phase: 'done' })
  }

  #inTurn(job: Job, run: () => Promise<void>): void {
    job.tail = job.tail
      .then(() => (this.#jobs.get(job.id) === job ? run() : undefined))
      .catch((error) => this.#failed(job, codeOf(error)))
  }

  #failed({ id, message, upload }: Job, code: ReturnType<typeof codeOf>): void {
    if (upload !== null) {
      this.#feed({ type: 'failed', id, code })
      return
    }
    // The next try goes on from what is kept.
    this.#jobs.delete(id)
    this.#feed({ type: 'remove', id })
    this.#show({ id, way: 'down', phase: 'failed', code, total: message.file.size })
  }

  #showSoon(): void {
    if (this.#isShowing) return
    this.#isShowing = true
    this.#ports.runtime.after(SHOW_MS, () => {
      this.#isShowing = false
      this.#showAll()
    })
  }

  #showAll(): void {
    const { box } = this.#ports
    const views = this.#state.all.flatMap((transfer) => this.#viewOf(transfer))
    const others = box.value.transfers.filter(({ id, phase }) => {
      const isOver = phase === 'done' || phase === 'failed'
      return isOver && !views.some((view) => view.id === id)
    })
    box.set({ transfers: [...others, ...views] })
  }

  /** One that is no transfer any more. */
  #show(view: Pick<TransferView, 'id' | 'way' | 'phase'> & Partial<TransferView>): void {
    const { box } = this.#ports
    const whole = { bytes: 0, total: 0, perSecond: null, code: null, ...view }
    box.set({ transfers: [...box.value.transfers.filter(({ id }) => id !== view.id), whole] })
  }

  #viewOf({ id, way, code, next, ...transfer }: Transfer): TransferView[] {
    // All blocks are there, but not checked and kept yet.
    const phase = transfer.phase === 'done' ? 'active' : transfer.phase
    const job = this.#jobs.get(id)
    if (job === undefined) return []
    const total = job.message.file.size
    const bytes = Math.min(total, next * FILE_BLOCK_BYTES)
    const atMs = this.#ports.clock()
    job.marks.push({ atMs, bytes })
    while ((job.marks[0]?.atMs ?? atMs) < atMs - SPEED_OVER_MS) job.marks.shift()
    const [first] = job.marks
    const isMoving = phase === 'active' && first !== undefined && atMs > first.atMs
    const perSecond = isMoving
      ? Math.max(0, ((bytes - first.bytes) * 1000) / (atMs - first.atMs))
      : null
    return [{ id, way, phase, code, bytes, total, perSecond }]
  }

  /** Its content, where all of it is here. In any tab, as is the next one. */
  async content(id: string, type: string): Promise<Blob | 'large' | null> {
    return (await this.#ports.store).read(id, type)
  }

  async open(id: string, type: string, onBytes: (bytes: number) => void): Promise<Blob | null> {
    return (await this.#ports.store).open(id, type, onBytes)
  }
}

const hasFile = (message: StoredMessage): message is Job['message'] =>
  message.file !== undefined && !message.deleted
