#!/usr/bin/env node
// The `clawchat` command: finds a Node that can run the host (≥ 22.18) and hands over to it.
// Plain JavaScript for old Node versions; `--run FILE …` runs another file of the repository the same way.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const MIN = [22, 18]
const here = dirname(fileURLToPath(import.meta.url))
const args = process.argv.slice(2)
const runsOther = args[0] === '--run'
const file = runsOther ? resolve(args[1] || '') : join(here, 'cli.ts')
const rest = runsOther ? args.slice(2) : args

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > MIN[0] || (major === MIN[0] && minor >= MIN[1])
}

/** The Node that npm installed beside us, or null on a platform that has no such package. */
function bundledNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return join(dirname(manifest), 'bin', platform === 'win' ? 'node.exe' : 'node')
  } catch {
    return null
  }
}

function tooOld() {
  const message = `ClawChat needs Node 22.18 or newer; this is Node ${process.versions.node}.`
  const next =
    'Run "npm install" in the ClawChat folder (it brings a fitting Node on Linux and Windows), or install Node 24 from https://nodejs.org and try again.'
  if (args.includes('--json')) {
    console.log(JSON.stringify({ event: 'error', code: 'node-too-old', message, next }))
  }
  console.error(`${message}\n${next}`)
  process.exitCode = 1
}

function handOver(node) {
  const child = spawn(node, [file, ...rest], { stdio: 'inherit' })
  // A terminal signals the whole group; a service manager only us. The host takes a second one calmly.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal))
  }
  followNpm(() => child.kill('SIGTERM'))
  child.on('error', tooOld)
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + (signal === 'SIGKILL' ? 9 : 15) : code
  })
}

/** npm's shell dies of a signal without passing it on: whoever ends `npx clawchat start` or `npm start` means us. */
function followNpm(stop) {
  if (!['npx', 'start', 'clawchat'].includes(process.env.npm_lifecycle_event)) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop()
  }, 250)
  timer.unref()
}

if (isNewEnough(process.versions.node)) {
  followNpm(() => process.kill(process.pid, 'SIGTERM'))
  process.argv = [process.argv[0], file, ...rest]
  await import(pathToFileURL(file).href)
} else {
  const node = bundledNode()
  if (node === null) tooOld()
  else handOver(node)
}
