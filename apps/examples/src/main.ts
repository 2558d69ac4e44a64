import { Command } from '@commander-js/extra-typings';
import { coordConv } from './coord-conv/command.ts';
import { deformable } from './deformable/command.ts';

const program = new Command('example').description('Small experiments that show what a layer is for.');

program.addCommand(coordConv);
program.addCommand(deformable);

await program.parseAsync();
