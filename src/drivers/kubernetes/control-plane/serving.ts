/**
 * Whether a process on loopback serves yet.
 */
import { Agent, request } from 'undici';

/** Without a check of the certificate, which is made at the first start: it is our own process that is asked. */
const AGENT_OPTIONS = { connect: { rejectUnauthorized: false, timeout: 2000 }, connections: 1 };

/** @returns Whether the address answers 200 within 2 s; never throws. */
export async function serves(url: string): Promise<boolean> {
  const agent = new Agent(AGENT_OPTIONS);
  try {
    const answer = await request(url, { dispatcher: agent, headersTimeout: 2000, bodyTimeout: 2000 });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false;
  } finally {
    await agent.close().catch(() => {});
  }
}
