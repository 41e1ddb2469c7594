// Before the tests in workerd: the page it serves is built from what stands here.
import { buildPage } from '../../web/build.ts'

export default buildPage
