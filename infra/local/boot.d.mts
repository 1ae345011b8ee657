export declare const ROOT: string;
export declare const CACHE: string;
export declare const PACKAGES: string;
export declare const manifestOf: (program: string) => string;
export declare const stampOf: (file: string) => string;
export declare const run: (program: string, later?: (program: string) => unknown) => Promise<void>;
