// A lighthouse of glass beads on a tiled shore. Written for llrun's demo and tests: the picture does not depend on
// the number of threads or their timing (no radiosity, no photons, no jitter), so two renderings can be
// compared pixel for pixel. The time it takes is set by the resolution.
#version 3.7;
global_settings { assumed_gamma 1.0 max_trace_level 8 }

camera { location <-7, 5.5, -13> look_at <0, 4.4, 0> angle 60 right x * image_width / image_height }

sky_sphere {
  pigment { gradient y color_map { [0 rgb <0.95, 0.75, 0.55>] [0.35 rgb <0.35, 0.5, 0.75>] [1 rgb <0.05, 0.1, 0.3>] } }
}
light_source { <-20, 30, -25> rgb <1, 0.93, 0.82> area_light <4, 0, 0>, <0, 0, 4>, 4, 4 adaptive 1 }
light_source { <0, 8.6, 0> rgb <1, 0.8, 0.4> * 0.8 fade_distance 4 fade_power 2 }

// The shore, and water that reflects it.
plane {
  y, 0
  texture {
    pigment { checker rgb <0.86, 0.8, 0.7>, rgb <0.72, 0.62, 0.5> scale 1.5 }
    normal { bumps 0.15 scale 0.2 }
    finish { diffuse 0.8 reflection 0.05 }
  }
}
disc {
  <0, 0.02, 0>, y, 60, 9
  texture {
    pigment { rgb <0.05, 0.15, 0.2> }
    normal { ripples 0.25 frequency 3 scale 2 translate <5, 0, -8> }
    finish { diffuse 0.3 specular 0.8 roughness 0.01 reflection { 0.2, 0.8 fresnel on } conserve_energy }
  }
  interior { ior 1.33 }
}

#declare Glass = material {
  texture { pigment { rgbf <0.92, 0.97, 1, 0.93> } finish { specular 0.9 roughness 0.002 reflection { 0.05, 0.9 fresnel on } conserve_energy } }
  interior { ior 1.48 }
}
#macro Bead(Where, Radius, Hue)
  sphere {
    Where, Radius
    #if (mod(Hue, 3) = 0)
      material { Glass }
    #else
      texture {
        pigment { rgb <0.5 + 0.5 * sin(Hue), 0.5 + 0.5 * sin(Hue + 2.1), 0.5 + 0.5 * sin(Hue + 4.2)> }
        finish { diffuse 0.6 specular 0.5 roughness 0.01 reflection { 0.25 metallic } }
      }
    #end
  }
#end

// The tower: rings of beads, each ring smaller and turned a little against the one below.
#declare Ring = 0;
#while (Ring < 26)
  #declare Across = 2.2 - 0.05 * Ring;
  #declare Number = 0;
  #while (Number < 18)
    #declare Angle = 2 * pi * (Number / 18 + Ring * 0.028);
    Bead(<Across * cos(Angle), 0.35 + Ring * 0.3, Across * sin(Angle)>, 0.3, Ring * 7 + Number)
    #declare Number = Number + 1;
  #end
  #declare Ring = Ring + 1;
#end
sphere { <0, 8.6, 0>, 0.75 material { Glass } }
cone { <0, 9.2, 0>, 1.1, <0, 10.1, 0>, 0 texture { pigment { rgb <0.6, 0.1, 0.08> } finish { specular 0.4 reflection 0.1 } } }

// Pebbles, by a seeded generator.
#declare Dice = seed(1995);
#declare Pebble = 0;
#while (Pebble < 160)
  #declare Angle = 2 * pi * rand(Dice);
  #declare Away = 3.2 + 5.3 * rand(Dice);
  #declare Size = 0.08 + 0.2 * rand(Dice);
  Bead(<Away * cos(Angle), Size, Away * sin(Angle)>, Size, Pebble)
  #declare Pebble = Pebble + 1;
#end
