// `wrangler dev --local` starts offline, as docs/OPERATING.md says, and serves page and endpoint.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DEPLOY_TOKEN, put, writer } from '../worker/endpoint.ts'
import { OFFLINE, ROOT } from './worker.ts'

test('wrangler dev --local', async () => {
  const state = mkdtempSync(join(tmpdir(), 'cc-'))
  const program = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
  const args = ['dev', '--local', '--port', '0', '--ip', '127.0.0.1', '--persist-to', state]
  const more = ['--inspector-port', '0', '--show-interactive-dev-session=false']
  const child = spawn(
    process.execPath,
    [program, ...args, ...more, '--var', `DEPLOY_TOKEN:${DEPLOY_TOKEN}`],
    { cwd: ROOT, env: { ...process.env, ...OFFLINE }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const closed = new Promise((done) => child.on('close', done))
  try {
    const url = await new Promise<string>((done, fail) => {
      let words = ''
      const listen = (chunk: Buffer): void => {
        words += chunk
        const found = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(words)
        if (found?.[1] !== undefined) done(found[1])
      }
      child.stdout.on('data', listen)
      child.stderr.on('data', listen)
      child.on('close', () => fail(new Error(`wrangler dev ended: ${words}`)))
    })
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok')
    expect(await (await fetch(`${url}/`)).text()).toContain('<!doctype html>')
    const { id, body } = writer()
    expect(await put({ url }, id, body(1))).toBe('204')
  } finally {
    child.kill('SIGINT')
    await closed
    rmSync(state, { recursive: true, force: true })
  }
}, 90_000)
