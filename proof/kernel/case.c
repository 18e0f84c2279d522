/* One case: `-DCALL=.. -DPHASE=.. -DSYNC=.. -DWAITING=.. -DFAULT=..` */

void prove(unsigned call, unsigned phase, unsigned sync, unsigned waiting, unsigned fault);

int main(void) {
  prove(CALL, PHASE, SYNC, WAITING, FAULT);
}
