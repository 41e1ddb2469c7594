// MEGA's emulator in the lab's cloud. As a program: `node tests/lab/megacloud.ts ADDRESS PORT EMAIL PASSWORD`; says "ready"
// once it listens.
import { MegaEmulator } from '../emulators/mega.ts'

const [address, port, email = '', password = ''] = process.argv.slice(2)
const emulator = await MegaEmulator.start(Number(port), address)
emulator.account({ email, password })
process.stdout.write('ready\n')
