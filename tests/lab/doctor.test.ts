// `clawchat doctor` behind real routers: it names what is there, says what to do, and gives nothing away.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DoctorFinding } from '../../host/findings.ts'
import { type CommandResult, commandIn, type Host } from '../e2e/host.ts'
import { CLOUD, type Home, type Kind, missing } from './topology.ts'
import { PAGE, STUN, World } from './world.ts'

const why = missing()

describe.skipIf(why !== null)(`doctor${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  beforeAll(async () => {
    world = await World.make()
  })
  afterAll(() => world?.end())

  async function doctor(home: Home, dir: string): Promise<CommandResult> {
    const stun = STUN.flatMap((server) => ['--stun', server])
    const cloud = ['--store', `https:${PAGE}`, '--page', `${PAGE}/`, ...stun]
    return commandIn(home.computer.prefix, {}, 'doctor', '--json', '--data', dir, ...cloud)
  }

  const causes = ({ lines }: CommandResult): Record<string, unknown> => {
    const { doctor: findings } = lines[0] as unknown as { doctor: DoctorFinding[] }
    return Object.fromEntries(
      findings.map(({ step, nth, cause }) => [`${step}${nth ?? ''}`, cause]),
    )
  }

  const FINE = {
    ...{ folder: null, running: null, clock: null, store: null, mailbox: null, page: null },
    ...{ udp: null, stun1: null, stun2: null, router: 'router-closed', hidden: 'ports-answer' },
  }
  const NETS: Partial<Record<Kind, number>> = { eim: 61, sym: 62, noudp: 63 }

  async function hostBehind(kind: Kind): Promise<{ home: Home; host: Host; invite: string }> {
    const net = NETS[kind] ?? 0
    const home = await world.internet.home(kind, `11.99.6.${net}`, net)
    const { host, ready } = await world.host(home.computer)
    return { home, host, invite: String(ready.invite) }
  }

  test('a router that holes can be punched through; what it prints names no address, path, key or link', async () => {
    const { home, host, invite } = await hostBehind('eim')
    const found = await doctor(home, host.dir)
    expect(causes(found), found.stderr).toMatchObject({ ...FINE, nat: null })
    expect(found.code).toBe(0)
    const key = readFileSync(join(host.dir, 'identity.key'))
    const secrets = [
      ...[CLOUD, '11.99.', '192.168.', host.dir, PAGE, new URL(invite).hash.slice(1)],
      ...[4, 36, 68].map((at) => key.subarray(at, at + 32).toString('hex')),
    ]
    const printed = JSON.stringify(found.lines) + found.stderr
    expect(printed.length).toBeGreaterThan(1000)
    for (const secret of secrets) expect(printed).not.toContain(secret)

    // The rule that it names does what it says.
    home.computer.rules(
      'table inet filter {\nchain output {\ntype filter hook output priority 0;\nicmp type destination-unreachable icmp code port-unreachable drop\n}\n}',
    )
    expect(causes(await doctor(home, host.dir))).toMatchObject({ hidden: null })
  })

  test('a router that gives each peer another port', async () => {
    const { home, host } = await hostBehind('sym')
    const found = await doctor(home, host.dir)
    expect(causes(found), found.stderr).toMatchObject({ ...FINE, nat: 'nat-strict' })
    expect(found.code).toBe(0)
  })

  test('a network without UDP, then without the worker too', async () => {
    const { home, host } = await hostBehind('noudp')
    const silent = { ...FINE, stun1: 'stun-silent', stun2: 'stun-silent', nat: 'nat-unknown' }
    const blocked = await doctor(home, host.dir)
    expect(causes(blocked), blocked.stderr).toMatchObject(silent)
    expect(blocked.code).toBe(1)
    await world.stopWorker()
    const away = await doctor(home, host.dir)
    expect(causes(away), away.stderr).toMatchObject({
      ...silent,
      ...{ clock: 'clock-unknown', store: 'store-unreachable' },
      ...{ mailbox: 'mailbox-unreachable', page: 'page-unreachable' },
    })
    expect(away.stderr).toContain('5 things have to be done.')
    expect(away.code).toBe(1)
  })
})
