// A host in a process of its own, for tests of what might end a process or stay behind in it. Ends when its parent does.
import { guardWerift } from '../../host/direct.ts'
import { certificateOf, EPOCH, startHost } from './dialer.ts'

guardWerift()
const host = await startHost()
const { fingerprint } = await certificateOf(EPOCH)

function computedMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function usage() {
  // What the test's own application kept is no leak of the host.
  host.received.length = 0
  host.carriers.splice(0, host.carriers.length, ...host.carriers.filter(({ closed }) => !closed))
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  return {
    handles: resources.filter((name) => name !== 'Timeout' && name !== 'Immediate').length,
    timers: resources.filter((name) => name === 'Timeout').length,
    heapBytes: heapUsed,
    outsideBytes: external,
    peers: host.carriers.length,
    cpuMs: computedMs(),
  }
}

process.on('message', ({ laterMs }: { laterMs: number }) => {
  host.clockOffsetMs += laterMs
  process.send?.(usage())
})
process.on('disconnect', () => process.exit())
process.send?.({ port: host.port, fingerprint: Buffer.from(fingerprint).toString('hex') })
