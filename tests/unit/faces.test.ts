// Pictures of members in a browser (SPEC §7.11): what is kept needs no host, and nothing else than STATE names is shown or kept.
import { expect, test } from 'vitest'
import { toHex } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import { pictureId } from '../../shared/pictureheader.ts'
import { Faces, faceOf } from '../../web/faces.ts'
import type { Member } from '../../web/model.ts'
import { StateBox } from '../../web/state.ts'
import { settle } from '../simulation/world.ts'

/** As far as anybody looks at it. */
const jpeg = (side: number, number: number): Uint8Array =>
  Uint8Array.of(0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, side, 0, side, 3, number)
const idOf = (picture: Uint8Array): string => toHex(pictureId(picture))
const member = (number: number, picture: string): Member => ({
  ...{ id: number.toString(16).padStart(32, '0'), name: 'Ann', role: 'member', online: true },
  ...{ gone: false, hidden: false, tone: 0, picture, lastSeenMs: 0 },
})

/** `host`: what it answers by the member's id. */
function scene(host: Record<string, Uint8Array | 'too-many'>) {
  const kept = new Map<string, Uint8Array>()
  const asked: string[] = []
  const box = new StateBox()
  const faces = new Faces({
    box,
    store: Promise.resolve({
      get: async (id: string) => kept.get(id) ?? null,
      put: async (id: string, picture: Uint8Array) => void kept.set(id, picture),
      keepOnly: async (ids: ReadonlySet<string>) => {
        for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id)
      },
    }),
    lookups: {
      ask: (async ({ member }: { member: Uint8Array }) => {
        asked.push(toHex(member))
        const picture = host[toHex(member)] ?? new Uint8Array()
        if (picture === 'too-many') throw new ClawError(picture)
        return { type: 'pictured', token: 0, code: null, picture }
      }) as never,
    },
    runtime: {
      after: (_, run) => {
        run()
        return () => undefined
      },
    },
  })
  const show = async (members: readonly Member[], state: 'connected' | 'offline') => {
    box.set({ members })
    box.connection({ state })
    faces.follow()
    await settle()
  }
  return { kept, asked, faces, show }
}

test('asked for once, kept, shown without a host, and forgotten with who bore it', async () => {
  const picture = jpeg(64, 1)
  const ann = member(1, idOf(picture))
  const { kept, asked, show } = scene({ [ann.id]: picture })
  expect(faceOf(ann.picture)).toBeNull()
  await show([ann, member(2, ''), { ...ann, id: member(3, '').id }], 'connected')
  expect(faceOf(ann.picture)).toMatch(/^blob:/)
  expect(asked).toEqual([ann.id])
  expect([...kept]).toEqual([[ann.picture, picture]])
  await show([{ ...ann, picture: '' }], 'connected')
  expect(faceOf(ann.picture)).toBeNull()
  expect(kept.size).toBe(0)

  const offline = scene({})
  offline.kept.set(ann.picture, picture)
  await offline.show([ann], 'offline')
  expect(faceOf(ann.picture)).toMatch(/^blob:/)
  expect(offline.asked).toEqual([])
})

test('another picture than STATE names, and what is none, are neither shown nor kept', async () => {
  const large = jpeg(129, 1)
  const members = [
    member(1, idOf(jpeg(64, 2))),
    member(2, idOf(large)),
    member(3, idOf(jpeg(64, 3))),
    member(4, idOf(jpeg(64, 4))),
  ]
  const [first, second, , fourth] = members as [Member, Member, Member, Member]
  const host = { [first.id]: jpeg(64, 5), [second.id]: large, [fourth.id]: 'too-many' } as const
  const { kept, asked, faces, show } = scene(host)
  await show(members, 'connected')
  for (const { picture } of members) expect(faceOf(picture)).toBeNull()
  expect(kept.size).toBe(0)
  expect(asked).toHaveLength(4)
  // Not again on this carrier, whatever STATE comes; on the next one.
  await show([...members], 'connected')
  expect(asked).toHaveLength(4)
  faces.again()
  await settle()
  expect(asked).toHaveLength(8)
})
