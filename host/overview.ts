// How this host is (SPEC §7.9), for its owner's page: disk, stores, ports, router.
import { statfsSync } from 'node:fs'
import type { Overview } from '../shared/overview.ts'
import { databaseBytes } from './database.ts'
import type { Host } from './host.ts'

export function overviewOf({ publisher, epochs, router, files, input }: Host): Overview {
  const { state, options } = input
  const { bavail, bsize } = statfsSync(state.dir)
  const { ipv4, ipv6 } = router.status
  return {
    databaseBytes: databaseBytes(state.dir),
    filesBytes: files.bytes,
    freeBytes: bavail * bsize,
    messages: state.rooms.list.messageCount,
    seq: publisher.seq,
    stores: publisher.status.map(({ store, seq, code }) => ({
      ...{ name: store, seq: seq ?? 0, code: code ?? '' },
    })),
    intervalMs: options.rotation.intervalMs,
    ports: epochs.around.map(({ epoch, port }) => ({ epoch, port })),
    router: [ipv4.cause ?? '', ipv6.cause ?? ''],
  }
}
