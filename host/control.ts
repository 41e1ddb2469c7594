// The local socket by which commands reach a running host: newline-ended JSON, one request per connection.
// Who may connect is decided by the file system (0600 in a folder of the user), so there is no password.
import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, rm } from 'node:fs/promises'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'

export type ControlCommand =
  | 'stop'
  | 'invite'
  | 'invite-list'
  | 'invite-withdraw'
  | 'rooms'
  | 'rooms-make'
  | 'rooms-lifetime'
  | 'status'
  | 'rotate'
  | 'members'
  | 'revoke'
  | 'burn'

/** Answers with a value that JSON can hold; throws ClawError for an orderly refusal. */
export type ControlHandler = (command: string, args: unknown) => unknown | Promise<unknown>

type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: ClawErrorCode }

/** `sun_path` holds 104 bytes on macOS, 108 on Linux, with the ending zero. */
const MAX_PATH_BYTES = 103
const MAX_REQUEST_CHARS = 65_536
const IDLE_MS = 10_000

/** Where the socket of a data folder is: in it, or, if that path is too long, in a private folder of the temporary one. */
export function controlPath(dataDir: string): string {
  const folder = resolve(dataDir)
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 32)
  if (process.platform === 'win32') return `\\\\.\\pipe\\clawchat-${hash}`
  const path = join(folder, 'control.sock')
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path
  return join(tmpdir(), `clawchat-${userInfo().uid}`, `${hash.slice(0, 16)}.sock`)
}

/**
 * Listens for commands; the caller holds the lock of the data folder, so a socket left by a crash is removed.
 * Throws ClawError('folder-unusable').
 */
export async function serveControl(
  path: string,
  handler: ControlHandler,
): Promise<{ close(): void }> {
  const idle = new Set<Socket>()
  const server = createServer((socket) => {
    idle.add(socket)
    socket.on('close', () => idle.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    readLine(socket, (line) => {
      idle.delete(socket)
      socket.setTimeout(0)
      void answer(line, handler).then((reply) => socket.end(`${JSON.stringify(reply)}\n`))
    })
  })
  try {
    await bind(server, path)
  } catch {
    server.close()
    throw new ClawError('folder-unusable')
  }
  return {
    close() {
      // Whoever waits for an answer still gets it: that of `stop` leaves after everything else is closed.
      server.close()
      for (const socket of idle) socket.destroy()
    },
  }
}

async function bind(server: Server, path: string): Promise<void> {
  if (process.platform !== 'win32') {
    const folder = dirname(path)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = await lstat(folder)
    // A folder in /tmp may have been laid out by someone else.
    if (uid !== userInfo().uid || (mode & 0o022) !== 0) throw new ClawError('folder-unusable')
    await rm(path, { force: true })
  }
  // Made 0600 from the start: a chmod alone would leave a moment in which others may connect.
  const mask = process.umask(0o177)
  try {
    await listening(server, path)
  } finally {
    process.umask(mask)
  }
  if (process.platform !== 'win32') await chmod(path, 0o600)
}

const listening = (server: Server, path: string): Promise<void> =>
  new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(path, () => {
      server.off('error', fail)
      done()
    })
  })

async function answer(line: string, handler: ControlHandler): Promise<Answer> {
  try {
    const request: unknown = JSON.parse(line)
    if (typeof request !== 'object' || request === null) throw new ClawError('malformed')
    const { command, args } = request as { command?: unknown; args?: unknown }
    if (typeof command !== 'string') throw new ClawError('malformed')
    return { ok: true, result: (await handler(command, args)) ?? null }
  } catch (error) {
    if (error instanceof ClawError) return { ok: false, code: error.code }
    return { ok: false, code: error instanceof SyntaxError ? 'malformed' : 'internal' }
  }
}

/** Calls back once, with the first line. */
function readLine(socket: Socket, onLine: (line: string) => void): void {
  let text = ''
  const onData = (chunk: string): void => {
    text += chunk
    const end = text.indexOf('\n')
    if (end >= 0) {
      socket.off('data', onData)
      onLine(text.slice(0, end))
    } else if (text.length > MAX_REQUEST_CHARS) {
      socket.destroy()
    }
  }
  socket.setEncoding('utf8').on('data', onData)
}

/**
 * Sends one command to the host of a data folder and returns its result.
 * Throws ClawError: `not-running` if nobody listens, `no-answer` if the host ended first, else the code it answered with.
 */
export async function callControl(
  path: string,
  command: ControlCommand,
  args: unknown = null,
): Promise<unknown> {
  const line = await new Promise<string>((done, fail) => {
    const socket = dial(path)
    let failure = new ClawError('not-running')
    socket.on('error', () => fail(failure))
    socket.on('close', () => fail(failure))
    socket.on('connect', () => {
      failure = new ClawError('no-answer')
      socket.write(`${JSON.stringify({ command, args })}\n`)
    })
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => (text.endsWith('\n') ? done(text) : socket.destroy()))
  })
  const reply = JSON.parse(line) as Answer
  if (!reply.ok) throw new ClawError(reply.code)
  return reply.result
}
