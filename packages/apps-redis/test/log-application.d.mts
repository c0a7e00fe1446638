/** Types of log-application.mjs, which plain Node runs too. */
export function makeLogApplication(folder: string, device: string, more?: Record<string, unknown>): string;
