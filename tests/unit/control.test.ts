// The local socket of a host: who may reach it, what it answers, and that it never cuts an answer.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callControl, controlPath, serveControl } from '../../host/control.ts'
import { ClawError } from '../../shared/error.ts'

let folder = ''
const closers: (() => void)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clawchat-control-'))
})
afterEach(() => {
  for (const close of closers.splice(0)) close()
  rmSync(folder, { recursive: true })
})

type Handler = Parameters<typeof serveControl>[1]
async function serve(path: string, handler: Handler): Promise<{ close(): void }> {
  const server = await serveControl(path, handler)
  closers.push(() => server.close())
  return server
}

/** Sends raw text and returns all that comes back. */
const raw = (path: string, text: string): Promise<string> =>
  new Promise((done, fail) => {
    let got = ''
    const socket = connect(path, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (chunk) => {
      got += chunk
    })
    socket.on('close', () => done(got))
    socket.on('error', fail)
  })

describe('the socket', () => {
  test('is for its owner only', async () => {
    const path = controlPath(folder)
    await serve(path, () => null)
    expect(path).toBe(join(folder, 'control.sock'))
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('moves to a private folder when the path of the data folder is too long', async () => {
    const path = controlPath(join(folder, 'x'.repeat(120)))
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103)
    await serve(path, (command) => command)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    expect(await callControl(path, 'status')).toBe('status')
    expect(controlPath(join(folder, 'y'.repeat(120)))).not.toBe(path)
  })

  test('is not laid into a folder that others may write to', async () => {
    const open = join(folder, 'open')
    mkdirSync(open)
    // Past the umask of whoever runs the tests.
    chmodSync(open, 0o777)
    await expect(serveControl(join(open, 'control.sock'), () => null)).rejects.toThrow(
      new ClawError('folder-unusable'),
    )
  })

  test('replaces what a crash left, and is gone after closing', async () => {
    const path = controlPath(folder)
    writeFileSync(path, '')
    const server = await serve(path, () => 'here')
    expect(await callControl(path, 'status')).toBe('here')
    server.close()
    expect(existsSync(path)).toBe(false)
    await expect(callControl(path, 'status')).rejects.toThrow(new ClawError('not-running'))
  })
})

describe('a command', () => {
  test('carries its arguments and brings back the result', async () => {
    await serve(controlPath(folder), (command, args) => ({ command, args }))
    const result = await callControl(controlPath(folder), 'invite', { uses: 2, note: 'ä\nb' })
    expect(result).toEqual({ command: 'invite', args: { uses: 2, note: 'ä\nb' } })
  })

  test('is refused with the code of the host', async () => {
    await serve(controlPath(folder), () => {
      throw new ClawError('credentials-full')
    })
    await expect(callControl(controlPath(folder), 'invite')).rejects.toThrow(
      new ClawError('credentials-full'),
    )
  })

  test('that makes the host fail says nothing about why', async () => {
    await serve(controlPath(folder), () => {
      throw new Error('secret path')
    })
    const answer = await raw(controlPath(folder), '{"command":"status"}\n')
    expect(JSON.parse(answer)).toEqual({ ok: false, code: 'internal' })
  })

  test.each(['nonsense\n', '{}\n', 'null\n', '{"command":5}\n'])(
    '%j is malformed',
    async (line) => {
      await serve(controlPath(folder), () => null)
      const answer = await raw(controlPath(folder), line)
      expect(JSON.parse(answer)).toEqual({ ok: false, code: 'malformed' })
    },
  )

  test('without an end is cut off', async () => {
    await serve(controlPath(folder), () => null)
    const cut = raw(controlPath(folder), 'x'.repeat(1 << 20)).catch(() => '')
    expect(await cut).toBe('')
  })

  test('under way is answered although the socket was closed', async () => {
    const path = controlPath(folder)
    const server = await serve(path, async () => {
      server.close()
      return 'last word'
    })
    expect(await callControl(path, 'stop')).toBe('last word')
  })
})
