// Everything that is fuzzed: by the unit tests a little, by `npm run fuzz` as long as wanted.
import { CHANNEL_TARGETS } from './channel.ts'
import { endpoint } from './endpoint.ts'
import { gate } from './gate.ts'
import { HANDSHAKE_TARGETS } from './handshakes.ts'
import { LAYOUT_TARGETS } from './layouts.ts'
import { MACHINE_TARGETS } from './machines.ts'
import { MEGA_TARGETS } from './mega.ts'
import { members } from './members.ts'
import { PACKET_TARGETS } from './packets.ts'
import { picture } from './picture.ts'
import { rooms } from './rooms.ts'
import { rotation } from './rotation.ts'
import { ROUTER_TARGETS } from './router.ts'
import { SEALED_TARGETS } from './sealed.ts'
import type { Target } from './target.ts'
import { TEXT_TARGETS } from './text.ts'

export const TARGETS: readonly Target[] = [
  ...TEXT_TARGETS,
  ...LAYOUT_TARGETS,
  ...MEGA_TARGETS,
  ...SEALED_TARGETS,
  ...HANDSHAKE_TARGETS,
  ...PACKET_TARGETS,
  ...CHANNEL_TARGETS,
  picture,
  gate,
  rotation,
  ...ROUTER_TARGETS,
  ...MACHINE_TARGETS,
  rooms,
  members,
  endpoint,
]
