// The `clawchat` command (contract.md): parses, runs, prints. The only file that sets the exit code.
import { setTimeout as delay } from 'node:timers/promises'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type {
  HostEvent,
  InviteResult,
  InviteRow,
  RotateResult,
  StartOptions,
  StatusResult,
} from './config.ts'
import { type ControlCommand, callControl, controlPath } from './control.ts'
import { type Command, parseCommand, UsageError, wantsJson } from './options.ts'
import { exportPage } from './page.ts'
import {
  deployText,
  errorWords,
  eventText,
  helpText,
  inviteListText,
  inviteText,
  rotateText,
  statusText,
} from './terminal.ts'

/** contract.md promises a clean end within 5 s. */
const STOP_DEADLINE_MS = 4500
const STOP_WAIT_MS = 6000

const argv = process.argv.slice(2)
const json = wantsJson(argv)

/** One result or event: an object for machines, words for people, each to its stream. */
function print(object: object, words: string): void {
  if (json) process.stdout.write(`${JSON.stringify(object)}\n`)
  const people = json ? process.stderr : process.stdout
  people.write(`${words}\n`)
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
      const result = (await call(command.dataDir, 'invite', command.args)) as InviteResult
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
    case 'page': {
      const files = await exportPage(command.out)
      return print({ out: command.out, files }, `Wrote the page (${files} files): ${command.out}`)
    }
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

const call = (dataDir: string, command: ControlCommand, args: unknown = null): Promise<unknown> =>
  callControl(controlPath(dataDir), command, args)

/** Returns when the host has stopped. */
async function start(options: StartOptions): Promise<void> {
  const report = (event: HostEvent): void => print(event, eventText(event))
  if (options.clockOffsetMs !== 0) report({ event: 'warning', code: 'clock-offset' })
  // Loaded here, so that the other commands start fast.
  const { runHost } = await import('./main.ts')
  const asked = new Promise<void>((done) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => done())
  })
  // Whatever hangs must not keep a service manager waiting.
  void asked.then(() => setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref())
  const host = await runHost(options, report)
  void asked.then(() => host.stop())
  try {
    await host.stopped
  } finally {
    // A timer left behind by a library must not keep the process; half a second lets last answers leave.
    setTimeout(() => process.exit(), 500).unref()
  }
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
  if (json) {
    process.stdout.write(`${JSON.stringify({ event: 'error', code, message, next: words.next })}\n`)
  }
  process.stderr.write(`${message}\n${words.next}\n`)
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
