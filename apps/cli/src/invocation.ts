/**
 * How this program was called, for commands that people can copy: by its name, or by the script of the repository that ran it (as `npx -y pnpm start`).
 */
export function invocation(
  { npm_config_user_agent: agent = '', npm_lifecycle_event: script = '' } = process.env,
): string {
  const pnpm = /^pnpm\/([\d.]+) /.exec(agent);
  return pnpm && ['start', 'receptive'].includes(script) ? `npx -y pnpm@${pnpm[1]} receptive` : 'receptive';
}
