/* One function a command; argv[0] is the command. Each returns the exit status. */
#ifndef KRBSCOPE_CLI_COMMANDS_H
#define KRBSCOPE_CLI_COMMANDS_H

/* name: how the user called it, "krbscope" or "krbscope analyze". */
int command_analyze(const char *name, int argc, char **argv);
int command_messages(int argc, char **argv);
int command_live(int argc, char **argv);
int command_explain(int argc, char **argv);

/* --version and the general --help, on standard output. */
int command_version(void);
int command_help(void);

#endif
