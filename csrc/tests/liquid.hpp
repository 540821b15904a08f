#pragma once

void test_liquids();
