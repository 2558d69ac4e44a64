import { Command } from '@commander-js/extra-typings';

const program = new Command('example').description('Small experiments that show what a layer is for.');

await program.parseAsync();
