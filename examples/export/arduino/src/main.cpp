// Read a sensor ten times a second and predict its next value. With the Arduino IDE: rename this file to arduino.ino and
// put predictor.h beside it.
#include <Arduino.h>

#define PREDICTOR_IMPLEMENTATION
#include "predictor.h"

static predictor_state state;

void setup()
{
    Serial.begin(115200);
    if (predictor_self_test(&state) != 0) Serial.println("this board computes other bits than Python did");
    float next;
    predictor_init(&state);
    predictor_step(&state, NULL, &next);
}

void loop()
{
    const float now = static_cast<float>(analogRead(A0)) / 512.0f;
    float next;
    const unsigned long begin = micros();
    predictor_step(&state, &now, &next);
    const unsigned long took = micros() - begin;
    Serial.print(now, 4);
    Serial.print(" -> ");
    Serial.print(next, 4);
    Serial.print(" in us: ");
    Serial.println(took);
    delay(100);
}
