// The product's worker with a clock that a test can shift, and a look at the alarm. Runs inside workerd.
import worker, { type Env, RecordObject } from '../../fallback-worker/worker.ts'

/** One process runs all objects of a test. */
let offsetMs = 0

export class ClockedObject extends RecordObject {
  protected override nowMs(): number {
    return Date.now() + offsetMs
  }
  alarmAt(): Promise<number | null> {
    return this.ctx.storage.getAlarm()
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/v1/test/clock') {
      offsetMs = Number(searchParams.get('offset'))
      return new Response('ok')
    }
    if (pathname === '/v1/test/alarm') {
      const object = env.RECORDS.getByName(searchParams.get('id') ?? '') as unknown as {
        alarmAt(): Promise<number | null>
      }
      return new Response(JSON.stringify(await object.alarmAt()))
    }
    return worker.fetch(request, env)
  },
}
