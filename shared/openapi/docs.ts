/** Placeholder until the browsable API lands. */
export const docsRoutes = (): { path: `/${string}`; contentType: string; body: string }[] => [];
