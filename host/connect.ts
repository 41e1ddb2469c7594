// `clawchat connect` (contract.md): a conversation in the terminal, or for a program by lines of JSON.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Attachment } from '../shared/attachment.ts'
import { toHex } from '../shared/bytes.ts'
import { NAME_MAX_BYTES, TEXT_MAX_BYTES } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode, codeOf } from '../shared/error.ts'
import type { Notice } from '../shared/events.ts'
import { sha256 } from '../shared/hash.ts'
import { decodeInvite } from '../shared/invite.ts'
import type { StoredMessage } from '../web/keep.ts'
import { Client, type ClientState } from './client.ts'
import { ClientKeep } from './clientkeep.ts'
import { formatDuration } from './config.ts'
import { CLIENTS_FOLDER, holdFolder } from './folder.ts'
import { parseName } from './optionvalues.ts'
import { errorWords } from './terminal.ts'
import { UsageError } from './usage.ts'

const JOIN_AGAIN_MS = 3000
/** What passes by itself. */
const PASSING: readonly ClawErrorCode[] = ['no-answer', 'store-unreachable', 'record-missing']

export interface ConnectArgs {
  readonly dataDir: string
  /** `-`: the first line of standard input; null: the host known already */
  readonly link: string | null
  readonly name: string | null
}

/** Times are ISO 8601; ids are hex. */
export type ConnectEvent =
  | ({ readonly event: 'state' } & ClientState)
  /** a text is on this disk and will be sent */
  | { readonly event: 'taken'; readonly id: string }
  | {
      readonly event: 'message'
      readonly id: string
      readonly room: string
      readonly seq: number
      readonly author: string
      readonly name: string
      readonly mine: boolean
      readonly at: string
      readonly text: string
      readonly attachments: readonly Pick<Attachment, 'name' | 'type' | 'size'>[]
    }
  /** how long new messages of a room stay was set (SPEC §7.10); 0: for ever */
  | {
      readonly event: 'lifetime'
      readonly id: string
      readonly room: string
      readonly seq: number
      readonly author: string
      readonly name: string
      readonly mine: boolean
      readonly at: string
      readonly lifeMs: number
    }
  /** of an own message: `sent` is with the host, `delivered` with another device, `failed` refused */
  | { readonly event: 'delivery'; readonly id: string; readonly state: StoredMessage['state'] }
  | { readonly event: 'refused'; readonly code: ClawErrorCode }

export interface ConnectPorts {
  readonly json: boolean
  readonly say: (event: ConnectEvent, words: string) => void
  readonly stdin: NodeJS.ReadStream
  readonly stderr: NodeJS.WritableStream
  readonly stop: AbortSignal
}

/** Returns once it was asked to stop; throws ClawError for what ends it. */
export async function connect(args: ConnectArgs, ports: ConnectPorts): Promise<void> {
  const lines = createInterface({ input: ports.stdin, terminal: false })
  const texts: string[] = []
  const asked: ((line: string) => void)[] = []
  let onText = (text: string): void => void texts.push(text)
  lines.on('line', (line) => {
    const waiting = asked.shift()
    if (waiting === undefined) onText(line)
    else waiting(line)
  })
  const ask = (question: string): Promise<string> => askLine(lines, asked, question, ports)
  const fragment = await givenLink(args, ports, ask)
  const dir = folderOf(args.dataDir, fragment)
  const folder = holdFolder(dir)
  const keep = ClientKeep.open(dir)
  try {
    const teller = new Teller(keep, ports)
    const client: Client = new Client({
      keep,
      onState: (state) => ports.say({ event: 'state', ...state }, stateText(state)),
      onMessages: () => teller.tell(client),
    })
    ports.stop.addEventListener('abort', () => client.stop())
    if (fragment !== null) await joinUntilIn(client, fragment, args, ports, ask)
    if (ports.stop.aborted) return
    await client.start()
    teller.tell(client)
    // One after another, so that texts keep their order.
    let tail = Promise.resolve()
    onText = (text) => {
      tail = tail.then(() => post(client, text, ports))
    }
    for (const text of texts.splice(0)) onText(text)
    // Who ends the input of a terminal wants to go; a program's input may end long before its work does.
    if (ports.stdin.isTTY) lines.on('close', () => client.stop())
    const code = await client.over
    await tail
    if (code !== null) throw new ClawError(code)
  } finally {
    lines.close()
    ports.stdin.unref?.()
    keep.close()
    folder.close()
  }
}

function askLine(
  lines: Interface,
  asked: ((line: string) => void)[],
  question: string,
  { stdin, stderr }: ConnectPorts,
): Promise<string> {
  if (stdin.isTTY) stderr.write(question)
  return new Promise((resolve, reject) => {
    asked.push(resolve)
    lines.once('close', () => reject(new UsageError('Standard input ended before the link came.')))
  })
}

/** The fragment of the link, or null without one. Throws UsageError, ClawError('invite-…'). */
async function givenLink(
  { link, dataDir }: ConnectArgs,
  { stdin }: ConnectPorts,
  ask: (question: string) => Promise<string>,
): Promise<string | null> {
  const nobody = link === null && knownHosts(dataDir).length === 0
  if (nobody && !stdin.isTTY) {
    throw new UsageError(
      'No host is known here yet: give a link, or - and the link on standard input.',
    )
  }
  if (link === null && !nobody) return null
  const whole = link === null || link === '-' ? (await ask('Link: ')).trim() : link
  const fragment = whole.slice(whole.indexOf('#') + 1)
  decodeInvite(fragment)
  return fragment
}

function knownHosts(dataDir: string): string[] {
  const dir = join(dataDir, CLIENTS_FOLDER)
  return existsSync(dir) ? readdirSync(dir).filter((name) => /^[0-9a-f]{32}$/.test(name)) : []
}

/** One for each host, named after its identity. */
function folderOf(dataDir: string, fragment: string | null): string {
  const known = knownHosts(dataDir)
  if (fragment !== null) {
    const identity = toHex(sha256(decodeInvite(fragment).hostPublicKey)).slice(0, 32)
    return join(dataDir, CLIENTS_FOLDER, identity)
  }
  const [only] = known
  if (only === undefined || known.length > 1) {
    throw new UsageError(
      'Several hosts are known here: give the link that you joined the one with.',
    )
  }
  return join(dataDir, CLIENTS_FOLDER, only)
}

/** What passes by itself is waited for: whoever started this need not do it again. */
async function joinUntilIn(
  client: Client,
  fragment: string,
  { name }: ConnectArgs,
  { stdin, say, stop }: ConnectPorts,
  ask: (question: string) => Promise<string>,
): Promise<void> {
  let given = name
  while (!stop.aborted) {
    try {
      return await client.join(fragment, () => {
        if (given === null && !stdin.isTTY) throw new UsageError('--name is missing: who joins?')
        return given === null
          ? ask('Your name: ').then((line) => (given = nameOf(line)))
          : nameOf(given)
      })
    } catch (error) {
      const code = codeOf(error)
      if (error instanceof UsageError || !PASSING.includes(code)) throw error
      say(
        { event: 'state', state: 'connecting', route: null, epoch: null, code },
        `${errorWords(code).message} Trying again.`,
      )
      await pause(JOIN_AGAIN_MS, stop)
    }
  }
}

function nameOf(text: string): string {
  try {
    return parseName(text.trim())
  } catch {
    throw new UsageError(`--name: a name has 1 to ${NAME_MAX_BYTES} bytes.`)
  }
}

const pause = (ms: number, stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    stop.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

async function post(client: Client, line: string, { json, say }: ConnectPorts): Promise<void> {
  const { text, room } = json ? inputOf(line) : { text: line, room: null }
  if (text === '') return
  if (Buffer.byteLength(text) > TEXT_MAX_BYTES) {
    say({ event: 'refused', code: 'limit' }, `A message has at most ${TEXT_MAX_BYTES} bytes.`)
    return
  }
  try {
    say({ event: 'taken', id: await client.post(text, room) }, '')
  } catch (error) {
    const code = codeOf(error)
    say({ event: 'refused', code }, errorWords(code).message)
  }
}

/** `{"text": "…", "room": "…"}`, where the text may hold line breaks; any other line is the text itself. */
function inputOf(line: string): { readonly text: string; readonly room: string | null } {
  try {
    const { text, room } = JSON.parse(line) as { text?: unknown; room?: unknown }
    if (typeof text === 'string') return { text, room: typeof room === 'string' ? room : null }
  } catch {
    // No JSON, so a text.
  }
  return { text: line, room: null }
}

function stateText({ state, route, code }: ClientState): string {
  if (state === 'connected') return `Connected (${route}).`
  if (state === 'connecting') return 'Connecting …'
  return code === null
    ? 'Connection lost; connecting again …'
    : `${errorWords(code).message} Trying again.`
}

/** Says each message once it has its place: again after a crash in between, never not at all. */
class Teller {
  readonly #keep: ClientKeep
  readonly #say: ConnectPorts['say']
  readonly #states = new Map<string, StoredMessage['state']>()

  constructor(keep: ClientKeep, { say }: ConnectPorts) {
    this.#keep = keep
    this.#say = say
  }

  tell(client: Client): void {
    const { names } = client
    const fresh = this.#keep.untold()
    for (const message of fresh) {
      const name = names.get(message.author) ?? ''
      if (message.notice === null) this.#message(message, name)
      else this.#lifetime(message, message.notice, name)
    }
    if (fresh.length > 0) this.#keep.told(fresh.map(({ id }) => id))
    for (const message of client.messages) if (message.mine) this.#delivery(message)
  }

  #message(message: StoredMessage, name: string): void {
    const { id, room, seq, author, mine, atMs, text, file } = message
    const at = new Date(atMs).toISOString()
    const attachments = file === undefined ? [] : [attachmentOf(file)]
    const lines = [
      ...(text === '' ? [] : [text]),
      ...attachments.map((each) => `file: ${each.name}`),
    ]
    const words = mine
      ? ''
      : `${printable(name || author.slice(0, 8))}: ${printable(lines.join('\n')).replaceAll('\n', '\n    ')}`
    const place = { id, room, seq: seq ?? 0 }
    this.#say({ event: 'message', ...place, author, name, mine, at, text, attachments }, words)
  }

  #lifetime(message: StoredMessage, { lifeMs }: Notice, name: string): void {
    const { id, room, seq, author, mine, atMs } = message
    const at = new Date(atMs).toISOString()
    const who = mine ? 'You' : printable(name || author.slice(0, 8))
    const what = lifeMs === 0 ? 'stay' : `disappear after ${formatDuration(lifeMs)}`
    const place = { id, room, seq: seq ?? 0 }
    const words = `${who} set new messages to ${what}.`
    this.#say({ event: 'lifetime', ...place, author, name, mine, at, lifeMs }, words)
  }

  #delivery({ id, state }: StoredMessage): void {
    const before = this.#states.get(id)
    this.#states.set(id, state)
    if (state === before || state === 'sending' || (before === undefined && state !== 'failed'))
      return
    const words = state === 'failed' ? 'The host refused a message.' : ''
    this.#say({ event: 'delivery', id, state }, words)
  }
}

const attachmentOf = ({ name, type, size }: Attachment) => ({ name, type, size })

/** What somebody else wrote must not steer this terminal. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
