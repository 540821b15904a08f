void name_init(name_state *s)
{
    memset(s, 0, sizeof *s); /* all of a state's zeros have no bits set */
#if NAME_POTENTIALS
    name_show(s, 0, NAME_UNITS);
#endif
}
