// A host in a process of its own, for tests of what might end a process. Ends when its parent does.
import { guardWerift } from '../../host/direct.ts'
import { certificateOf, EPOCH, startHost } from './dialer.ts'

guardWerift()
const host = await startHost()
const { fingerprint } = await certificateOf(EPOCH)
process.on('disconnect', () => process.exit())
process.send?.({ port: host.port, fingerprint: Buffer.from(fingerprint).toString('hex') })
