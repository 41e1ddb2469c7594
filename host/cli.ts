// The `clawchat` command (contract.md): parses, runs, prints. The only file that sets the exit code.
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import {
  backupText,
  deployText,
  doctorText,
  exportText,
  inviteListText,
  inviteText,
  restoreText,
  rotateText,
  statusText,
} from './answers.ts'
import type {
  HostEvent,
  InviteResult,
  InviteRow,
  MemberResult,
  RevokeResult,
  RoomResult,
  RotateResult,
  StartOptions,
  StatusResult,
} from './config.ts'
import { configRows, configText, exampleConfig } from './configtext.ts'
import type { ConnectArgs, ConnectPorts } from './connect.ts'
import { type ControlCommand, callControl, controlPath } from './control.ts'
import { unknownVariables } from './effective.ts'
import { isHealthy } from './findings.ts'
import { helpText } from './help.ts'
import type { MegaAccount } from './megaaccount.ts'
import { fullText, lifetimeText, membersText, revokeText, roomsText } from './memberlist.ts'
import { useSystemNetwork } from './network.ts'
import { type Command, parseCommand, wantsJson } from './options.ts'
import { exportPage } from './page.ts'
import { routerDoctorText } from './routerwords.ts'
import { errorWords, eventText } from './terminal.ts'
import { UsageError } from './usage.ts'
import { withWorker } from './worker.ts'

/** contract.md promises a clean end within 5 s. */
const STOP_DEADLINE_MS = 4500
const STOP_WAIT_MS = 6000

const argv = process.argv.slice(2)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const json = wantsJson(argv)

/** One result or event: an object for machines, words for people, each to its stream. */
function print(object: object, words: string): void {
  if (json) process.stdout.write(`${JSON.stringify(object)}\n`)
  const people = json ? process.stderr : process.stdout
  if (words !== '') people.write(`${words}\n`)
}

async function run(command: Command): Promise<void> {
  switch (command.name) {
    case 'help':
      // People's text also with --json, where standard output belongs to machines.
      return void (json ? process.stderr : process.stdout).write(`${helpText(command.of)}\n`)
    case 'start':
      return start(command.options)
    case 'stop':
      return stop(command.dataDir)
    case 'status': {
      const status = (await call(command.dataDir, 'status')) as StatusResult
      return print(status, statusText(status))
    }
    case 'rotate': {
      const rotated = (await call(command.dataDir, 'rotate')) as RotateResult
      return print(rotated, rotateText(rotated))
    }
    case 'invite': {
      const result = (await call(command.dataDir, 'invite', command.args).catch((error) =>
        sayWhatToRemove(command.dataDir, error),
      )) as InviteResult
      return print(result, inviteText(result))
    }
    case 'invite-list': {
      const rows = (await call(command.dataDir, 'invite-list')) as InviteRow[]
      if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
      else process.stdout.write(`${inviteListText(rows)}\n`)
      return
    }
    case 'invite-withdraw': {
      const { id } = command
      await call(command.dataDir, 'invite-withdraw', { id })
      return print({ id, withdrawn: true }, `Invite ${id} is withdrawn.`)
    }
    case 'rooms': {
      const rows = (await call(command.dataDir, 'rooms')) as RoomResult[]
      if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
      else process.stdout.write(`${roomsText(rows)}\n`)
      return
    }
    case 'rooms-make': {
      const args = { name: command.room }
      const room = (await call(command.dataDir, 'rooms-make', args)) as RoomResult
      return print(room, `The room "${room.name}" is there. Its id: ${room.room}`)
    }
    case 'rooms-lifetime': {
      const room = (await call(command.dataDir, 'rooms-lifetime', command.args)) as RoomResult
      return print(room, lifetimeText(room))
    }
    case 'members': {
      const rows = (await call(command.dataDir, 'members')) as MemberResult[]
      if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
      else process.stdout.write(`${membersText(rows)}\n`)
      return
    }
    case 'revoke': {
      const revoked = (await call(command.dataDir, 'revoke', { id: command.id })) as RevokeResult
      return print(revoked, revokeText(revoked))
    }
    case 'burn': {
      if (!command.yes && !(await sure())) return print({ burnt: null }, 'Nothing was burnt.')
      const { reason } = command
      const answer = (await call(command.dataDir, 'burn', { reason })) as { burnt: string }
      return print(answer, `Burnt. ${BURN_NEXT}`)
    }
    case 'backup': {
      const { args } = command
      const { backup } = await import('./backup.ts')
      const passphrase = args.plain ? null : await backupPassphrase(args.passphraseFile, true)
      const result = backup({ ...args, passphrase, random })
      return print(result, backupText(result))
    }
    case 'restore': {
      const { args } = command
      const { isSealedBackup, restore } = await import('./backup.ts')
      const isSealed = isSealedBackup(args.file)
      const passphrase = isSealed ? await backupPassphrase(args.passphraseFile, false) : null
      const result = restore({ ...args, passphrase })
      return print(result, restoreText(result))
    }
    case 'export': {
      const { exportHistory } = await import('./export.ts')
      const passphrase = await passphraseOf(command.dataDir, command.passphraseFile)
      const result = await exportHistory({ ...command, passphrase, random, nowMs: Date.now() })
      if (result.damaged > 0) process.exitCode = 1
      return print(result, exportText(result))
    }
    case 'passphrase': {
      const { changePassphrase } = await import('./passphrase.ts')
      const result = await changePassphrase(command.args, terminal())
      return print(result, PASSPHRASE_TEXT[result.passphrase])
    }
    case 'connect':
      return connectTo(command.args)
    case 'page': {
      const { files, build } = await exportPage(command.out)
      const text = `Wrote the page (${files} files): ${command.out}\nBuild ${build}`
      return print({ out: command.out, files, build }, text)
    }
    case 'doctor':
      return doctor(command.options)
    case 'doctor-mega':
      return megaDoctor(command)
    case 'doctor-router': {
      const { examineRouter, isRouterFine } = await import('./routerdoctor.ts')
      const steps = await examineRouter(command)
      if (!isRouterFine(steps)) process.exitCode = 1
      return print({ router: steps }, routerDoctorText(steps))
    }
    case 'config': {
      warnOfVariables()
      const { effective, file } = command
      if (json)
        for (const row of configRows(effective)) process.stdout.write(`${JSON.stringify(row)}\n`)
      else process.stdout.write(`${configText(effective, file)}\n`)
      return
    }
    case 'config-example':
      return void process.stdout.write(exampleConfig())
    case 'deploy': {
      const { deploy } = await import('./deploy.ts')
      const { openWrangler } = await import('./wrangler.ts')
      const result = await deploy(command.dataDir, command.args, openWrangler(json ? 2 : 1))
      return print(result, deployText(result))
    }
    case 'deploy-forget': {
      const { forgetWorker } = await import('./deploy.ts')
      const result = forgetWorker(command.dataDir)
      return print(result, deployText(result))
    }
  }
}

const PASSPHRASE_TEXT = {
  set: 'The keys have a passphrase now. Every start needs it: without it nobody can open them, you neither.',
  changed: 'The passphrase is changed.',
  removed: 'The keys have no passphrase any more.',
  none: 'The keys have no passphrase.',
} as const

const terminal = () => ({ input: process.stdin, output: process.stderr })

async function backupPassphrase(file: string | null, isNew: boolean): Promise<string> {
  const { askHidden, nextPassphrase, readPassphraseFile } = await import('./passphrase.ts')
  if (isNew) return nextPassphrase(file, terminal())
  return file === null ? askHidden('Passphrase: ', terminal()) : readPassphraseFile(file)
}

async function passphraseOf(dataDir: string, file: string | null) {
  const { passphraseFor } = await import('./passphrase.ts')
  return passphraseFor(dataDir, file, terminal())
}

const report = (event: HostEvent): void => print(event, eventText(event))

function warnOfVariables(): void {
  for (const found of unknownVariables(process.env)) {
    report({ event: 'warning', code: 'unknown-variable', ...found })
  }
}

const call = (dataDir: string, command: ControlCommand, args: unknown = null): Promise<unknown> =>
  callControl(controlPath(dataDir), command, args)

const BURN_NEXT =
  'The host starts again with a new identity and prints a link for you; everybody needs a new one.'

/** Asks the person at the terminal; where nobody can answer, that is wrong usage. */
async function sure(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError('burn asks first, and here nobody can answer: add --yes.')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const question =
    'This ends the identity of this host for good. Every device deletes its keys and history when it hears of it, and the messages on this computer are deleted too. Type "burn" to go on: '
  const answer = await terminal.question(question)
  terminal.close()
  return answer.trim() === 'burn'
}

/** A host that is full: its words name what could go. */
class FullError extends ClawError {
  readonly next: string
  constructor(next: string) {
    super('credentials-full')
    this.next = next
  }
}

async function sayWhatToRemove(dataDir: string, error: unknown): Promise<never> {
  if (!(error instanceof ClawError && error.code === 'credentials-full')) throw error
  const invites = (await call(dataDir, 'invite-list')) as InviteRow[]
  const members = (await call(dataDir, 'members')) as MemberResult[]
  throw new FullError(fullText(invites, members))
}

/** Returns when the host has stopped. */
async function start(options: StartOptions): Promise<void> {
  warnOfVariables()
  if (options.clockOffsetMs !== 0) report({ event: 'warning', code: 'clock-offset' })
  const passphrase = await passphraseOf(options.dataDir, options.passphraseFile)
  const usesMega = options.stores.some(({ kind }) => kind === 'mega')
  let account = usesMega ? await megaAccount(options.dataDir, options.megaApi) : null
  // Loaded here, so that the other commands start fast.
  const { runHost } = await import('./main.ts')
  const asked = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => asked.abort())
  }
  // Whatever hangs must not keep a service manager waiting.
  asked.signal.addEventListener('abort', () => {
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
  })
  try {
    for (;;) {
      const host = await runHost(options, report, account, asked.signal, passphrase)
      if (asked.signal.aborted) void host.stop()
      asked.signal.addEventListener('abort', () => void host.stop())
      // A burnt host goes on as a new one, in the same folder and at the same address.
      if ((await host.stopped) === 'stopped') break
      // A code of the second factor works once.
      if (account !== null && account.code !== null) account = null
    }
  } finally {
    // A timer left behind by a library must not keep the process; half a second lets last answers leave.
    setTimeout(() => process.exit(), 500).unref()
  }
}

/** Returns when a signal, or the end of a terminal's input, has ended it. */
async function connectTo(args: ConnectArgs): Promise<void> {
  process.umask(0o077)
  const asked = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => asked.abort())
  }
  asked.signal.addEventListener('abort', () => {
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
  })
  useSystemNetwork()
  const { connect } = await import('./connect.ts')
  const { stdin, stderr } = process
  const say: ConnectPorts['say'] = (event, words) => {
    if (json) process.stdout.write(`${JSON.stringify(event)}\n`)
    if (words !== '')
      (event.event === 'message' && !json ? process.stdout : stderr).write(`${words}\n`)
  }
  try {
    await connect(args, { json, say, stdin, stderr, stop: asked.signal })
  } finally {
    setTimeout(() => process.exit(), 500).unref()
  }
}

/** From the environment or a file; asked for at a terminal, unless an earlier session goes on without it. */
async function megaAccount(dataDir: string, gateway: string): Promise<MegaAccount | null> {
  const { promptMegaAccount, readMegaAccount } = await import('./megaaccount.ts')
  const { readMegaSession } = await import('./megasession.ts')
  const account = readMegaAccount(process.env, dataDir)
  if (account !== null || readMegaSession(dataDir, gateway).sid !== null) return account
  if (!process.stdin.isTTY) throw new ClawError('mega-account')
  return promptMegaAccount(process.stdin, process.stderr)
}

/** Each finding as soon as it is known: some steps wait for whoever does not answer. */
async function doctor(options: StartOptions): Promise<void> {
  useSystemNetwork()
  const { examine } = await import('./doctor.ts')
  const { findingText, verdictText } = await import('./doctorwords.ts')
  const people = json ? process.stderr : process.stdout
  const passphrase = await passphraseOf(options.dataDir, options.passphraseFile)
  const all = { ...withWorker(options, options.dataDir), passphrase }
  const findings = await examine(all, (finding) => people.write(`${findingText(finding)}\n`))
  print({ doctor: findings }, verdictText(findings))
  if (!isHealthy(findings)) process.exitCode = 1
}

async function megaDoctor({
  dataDir,
  megaApi: gateway,
  passphraseFile,
}: Extract<Command, { name: 'doctor-mega' }>): Promise<void> {
  useSystemNetwork()
  const passphrase = await passphraseOf(dataDir, passphraseFile)
  const account = await megaAccount(dataDir, gateway)
  const { examineMega } = await import('./megadoctor.ts')
  const steps = await examineMega({ dataDir, gateway, account, passphrase })
  print({ mega: steps }, doctorText(steps))
  if (steps.some(({ ok }) => !ok)) process.exitCode = 1
}

/** The host answers `stop` once it has let go of everything, or dies doing so: both are what was asked for. */
async function stop(dataDir: string): Promise<void> {
  const late = delay(STOP_WAIT_MS, null, { ref: false }).then(() => {
    throw new ClawError('no-answer')
  })
  const stopped = call(dataDir, 'stop').catch((error) => {
    if (!(error instanceof ClawError && error.code === 'no-answer')) throw error
  })
  await Promise.race([stopped, late])
  print({ event: 'stopped' }, 'Stopped.')
}

function fail(error: unknown): void {
  const code: ClawErrorCode = error instanceof ClawError ? error.code : 'internal'
  const words = errorWords(code)
  const message = error instanceof UsageError ? error.sentence : words.message
  const better = error instanceof FullError || error instanceof UsageError ? error.next : null
  const next = better || words.next
  if (json) {
    process.stdout.write(`${JSON.stringify({ event: 'error', code, message, next })}\n`)
  }
  process.stderr.write(`${message}\n${next}\n`)
  // A broken invariant or a foreign error: its place in our code helps, and names no secret.
  if (code === 'internal' && error instanceof Error) {
    process.stderr.write(`${error.stack?.split('\n').slice(1, 6).join('\n')}\n`)
  }
  process.exitCode = code === 'usage' ? 2 : 1
}

// `start | head` must end neither the host nor with a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

try {
  await run(parseCommand(argv, process.env))
} catch (error) {
  fail(error)
}
